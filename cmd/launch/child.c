#include "launch/child.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/command.h"
#include "launch/forward.h"
#include "launch/probe.h"
#include "proc/proc.h"

/* All signals except those of job control: the kernel stops and resumes the whole process group by
 * itself. */
static sigset_t child_watched_signals(void) {
    static const int job_control[] = {SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT};
    sigset_t signals;
    sigfillset(&signals);
    for (size_t i = 0; i < sizeof job_control / sizeof job_control[0]; i++)
        sigdelset(&signals, job_control[i]);
    return signals;
}

/* ---- the end of the child ---- */

static void child_read_name(struct child_end *end) {
    FILE *comm = proc_open(end->process, "comm");
    if (comm == NULL) return;
    if (fgets(end->name, sizeof end->name, comm) != NULL)
        end->name[strcspn(end->name, "\n")] = '\0';
    fclose(comm);
}

/* Returns true if the process has waited for a child, or if that is unknown. Every process has page
 * faults, and they are added to the parent's count when the parent waits for it. */
static bool child_has_waited(pid_t process) {
    char line[1024];
    unsigned long faults;
    FILE *stat = proc_open(process, "stat");
    if (stat == NULL) return true;
    bool known = fgets(line, sizeof line, stat) != NULL && strrchr(line, ')') != NULL &&
                 sscanf(strrchr(line, ')'), ") %*c %*d %*d %*d %*d %*d %*u %*u %lu", &faults) == 1;
    fclose(stat);
    return !known || faults != 0;
}

/* The child's files in /proc disappear when it is reaped, so they are read first. */
static bool child_has_ended(struct child_end *end) {
    siginfo_t info = {.si_pid = 0};
    if (waitid(P_PID, (id_t)end->process, &info, WEXITED | WNOHANG | WNOWAIT) != 0)
        err(EXIT_OWN_FAILURE, "cannot wait for the program");
    if (info.si_pid != end->process) return false;
    child_read_name(end);
    end->waited_for_child = child_has_waited(end->process);
    return wait4(end->process, &end->status, 0, &end->usage) == end->process;
}

int child_exit_status(const struct child_end *end) {
    if (WIFEXITED(end->status)) return WEXITSTATUS(end->status);
    int signal = WTERMSIG(end->status);
    /* A shell would print this message if the signal had killed this process. */
    if (signal != SIGINT && signal != SIGPIPE)
        warnx("the program was killed by signal %d (%s)", signal, strsignal(signal));
    return 128 + signal;
}

/* ---- signals ---- */

/* Waits for a signal and passes it to forward.h. Returns false if no signal arrives within
 * `milliseconds`; -1 means no limit. The signals are blocked, so each one stays pending until it is
 * taken here, and no handler is needed. */
static bool child_take_signal(const sigset_t *signals, int milliseconds) {
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000l};
    siginfo_t info;
    int signal =
        milliseconds < 0 ? sigwaitinfo(signals, &info) : sigtimedwait(signals, &info, &time);
    if (signal > 0 && signal != SIGCHLD) forward_arrived(&info);
    return signal > 0 || errno == EINTR;
}

static void child_take_signals(const sigset_t *signals) {
    while (child_take_signal(signals, 0)) continue;
}

static void child_wait(struct child_end *end, const sigset_t *signals) {
    while (!child_has_ended(end)) {
        child_take_signal(signals, forward_poll(end->process));
        child_take_signals(signals);
    }
}

/* ---- the beginning ---- */

/* The signal settings that the command has inherited; the child starts with them. */
struct child_inherited {
    struct sigaction sigchld;
    sigset_t mask;
};

static _Noreturn void child_start(int gate, const struct child_inherited *inherited,
                                  void (*start)(const void *argument), const void *argument) {
    char byte;
    while (read(gate, &byte, 1) < 0 && errno == EINTR) continue;
    sigaction(SIGCHLD, &inherited->sigchld, NULL);
    sigprocmask(SIG_SETMASK, &inherited->mask, NULL);
    start(argument);
    _exit(EXIT_OWN_FAILURE);
}

/* A reader of the program's output must see its end as soon as the program closes it, so the
 * command keeps no copy of the descriptor. */
static void child_release_streams(void) {
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    dup2(fd, STDIN_FILENO);
    dup2(fd, STDOUT_FILENO);
    if (fd > STDERR_FILENO) close(fd);
}

/* The child waits at the gate, with all signals blocked, until the signals that have arrived so far
 * have been passed on to it. */
struct child_end child_run(void (*start)(const void *argument), const void *argument) {
    struct sigaction by_default = {.sa_handler = SIG_DFL};
    struct child_inherited inherited;
    struct child_end end = {.process = 0};
    sigset_t signals = child_watched_signals();
    int gate[2];

    /* Some parents leave SIGCHLD ignored; the kernel would then reap the child by itself. */
    sigaction(SIGCHLD, &by_default, &inherited.sigchld);
    sigprocmask(SIG_BLOCK, &signals, &inherited.mask);
    if (pipe2(gate, O_CLOEXEC) != 0) err(EXIT_OWN_FAILURE, "cannot create a pipe");
    probe_start(&signals);
    end.process = fork();
    if (end.process < 0) err(EXIT_OWN_FAILURE, "cannot fork");
    if (end.process == 0) {
        close(gate[1]);
        child_start(gate[0], &inherited, start, argument);
    }
    child_take_signals(&signals);
    forward_all(end.process);
    close(gate[0]);
    close(gate[1]);
    child_release_streams();
    child_wait(&end, &signals);
    probe_stop();
    return end;
}
