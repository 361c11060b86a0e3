/* Text passes through a command to the log, and reaches the log unchanged if the command fails. */
#include "bodies.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "os/os_process.h"
#include "report/symbolizer.h"

#define TEXT "    #0 0x1234 in nowhere+0x4\n"

static char command[] = "/tmp/mallow-symbolizer-XXXXXX";

/* Writes a shell script that serves as the command. */
static void write_script(const char *path, const char *script) {
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0700);
    CHECK(file >= 0 && dprintf(file, "#!/bin/sh\n%s\n", script) > 0);
    CHECK_EQUAL(fchmod(file, 0700), 0);
    close(file);
}

static void set_command(const char *script) {
    write_script(command, script);
    symbolizer_set(command);
}

static void pass_text(void) {
    int file = symbolizer_begin();
    symbolizer_write(&file, TEXT, strlen(TEXT));
    symbolizer_end(file);
}

static void check_passed(const char *expected) {
    pass_text();
    const char *text = reported();
    if (strcmp(text, expected) != 0) check_failed("\"%s\", not \"%s\"\n", text, expected);
}

/* The time that the command may take in this test (0: as long as the library allows), and the time
 * that the library allows. */
static int time_limit, allowed;

int __real_os_run_filter(const struct os_program *program, const char *argument, int from, int to,
                         int milliseconds);
int __wrap_os_run_filter(const struct os_program *program, const char *argument, int from, int to,
                         int milliseconds);
int __wrap_os_run_filter(const struct os_program *program, const char *argument, int from, int to,
                         int milliseconds) {
    allowed = milliseconds;
    return __real_os_run_filter(program, argument, from, to,
                                time_limit != 0 ? time_limit : milliseconds);
}

static void the_command_gets_text_and_argument(void) {
    set_command("echo \"$1\"; cat");
    check_passed("symbolize\n" TEXT);
}

static void a_command_that_does_not_end_is_killed(void) {
    char number[32] = "", script[128], path[64];
    snprintf(path, sizeof path, "%s.pid", command);
    snprintf(script, sizeof script, "echo some; echo $$ >%s; exec sleep 1000", path);
    set_command(script);
    time_limit = 1000;
    check_passed(TEXT);
    CHECK(allowed >= 1000 && allowed <= 60000);
    int file = open(path, O_RDONLY);
    CHECK(file >= 0 && read(file, number, sizeof number - 1) > 0);
    CHECK_EQUAL(kill(atoi(number), 0), -1);
    close(file);
    unlink(path);
}

static void a_command_without_output_loses_nothing(void) {
    set_command("exit 0");
    check_passed(TEXT);
}

static void output_of_a_failing_command_is_left_out(void) {
    set_command("cat; echo half; exit 1");
    check_passed(TEXT);
    set_command("cat; kill -9 $$");
    check_passed(TEXT);
}

static void the_command_has_default_signals(void) {
    sigset_t all;
    sigfillset(&all);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    sigprocmask(SIG_BLOCK, &all, NULL);
    set_command("exec grep -E '^Sig(Blk|Ign):' /proc/self/status");
    check_passed("SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

static void another_file_with_the_name_does_not_run(void) {
    char other[64];
    set_command("cat");
    snprintf(other, sizeof other, "%s.other", command);
    write_script(other, "echo stolen");
    CHECK_EQUAL(rename(other, command), 0);
    check_passed(TEXT);
}

static void a_missing_file_does_not_run(void) {
    symbolizer_set("/absent/command");
    check_passed(TEXT);
}

/* Hides /proc, so that it gives no information. */
static void hide_proc(void) {
    if (unshare(CLONE_NEWNS) != 0 || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) _exit(0);
    while (umount2("/proc", MNT_DETACH) == 0) continue;
    CHECK(access("/proc/self", F_OK) != 0);
}

static void kill_at_clone(void) {
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof program / sizeof *program, program};
    CHECK_EQUAL(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    CHECK_EQUAL(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
}

static void a_sandbox_is_noticed(void) {
    set_command("echo ran");
    kill_at_clone();
    check_passed(TEXT);
}

static void a_sandbox_is_noticed_without_proc(void) {
    hide_proc();
    set_command("echo ran");
    kill_at_clone();
    check_passed(TEXT);
}

int main(void) {
    close(mkstemp(command));
    struct body bodies[] = {
        BODY(the_command_gets_text_and_argument),
        BODY(a_command_that_does_not_end_is_killed),
        BODY(a_command_without_output_loses_nothing),
        BODY(output_of_a_failing_command_is_left_out),
        BODY(the_command_has_default_signals),
        BODY(another_file_with_the_name_does_not_run),
        BODY(a_missing_file_does_not_run),
        BODY(a_sandbox_is_noticed),
        BODY(a_sandbox_is_noticed_without_proc),
    };
    int failed = run_bodies(bodies);
    unlink(command);
    return failed;
}
