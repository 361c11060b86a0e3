/* Each access outside the state of a secret faults and is reported, and damage ends the process. */
#include "unit.h"

#include <signal.h>
#include <stdlib.h>

#include "kinds.h"

/* Runs the function in a child. Returns the child's status, and its standard error in `report`. */
static int run_child(void (*act)(void), char *report, size_t room) {
    int ends[2], status = -1;
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        signal(SIGSEGV, SIG_DFL); /* not a sanitizer's handler */
        signal(SIGBUS, SIG_DFL);
        signal(SIGABRT, SIG_DFL);
        alarm(60);
        dup2(ends[1], STDERR_FILENO);
        act();
        _exit(EXIT_SUCCESS);
    }
    close(ends[1]);
    size_t length = 0;
    ssize_t n;
    while ((n = read(ends[0], report + length, room - 1 - length)) > 0) length += (size_t)n;
    report[length] = '\0';
    close(ends[0]);
    waitpid(child, &status, 0);
    return status;
}

/* The child dies by the signal after it has printed the report, in which * is an address. */
static void expect_death(void (*act)(void), int signal, const char *expected) {
    char report[1024];
    int status = run_child(act, report, sizeof report);
    const char *star = strchr(expected, '*');
    size_t before = (size_t)(star - expected);
    bool is_expected = strncmp(report, expected, before) == 0;
    const char *after = report + before;
    if (is_expected) after += strspn(after, "0123456789abcdef");
    if (!is_expected || strcmp(after, star + 1) != 0)
        fail_msg("the report is\n%sinstead of\n%s", report, expected);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), signal);
}

static volatile char sink;
static const unsigned reading = MALLOW_SECRET_READ, writing = MALLOW_SECRET_WRITE;

static void read_closed(void) {
    char *p = mallow_secret_alloc(32, 0);
    mallow_secret_close(p, writing);
    sink = p[31];
}
static void write_closed(void) {
    char *p = mallow_secret_alloc(32, 0);
    mallow_secret_close(p, writing);
    p[0] = 1;
}
static void write_read_only(void) {
    char *p = mallow_secret_alloc(5 * PAGE, 0);
    mallow_secret_open(p, reading);
    mallow_secret_close(p, writing);
    sink = p[4 * PAGE];
    p[4 * PAGE] = 1;
}
static void read_after_own(void) {
    char *p = mallow_secret_alloc(33, MALLOW_SECRET_OWN_PAGES);
    sink = p[32];
    sink = p[33];
}
static void write_after_large(void) {
    char *p = mallow_secret_alloc(2 * PAGE, 0);
    p[2 * PAGE] = 1;
}
static void read_before_large(void) {
    char *p = mallow_secret_alloc(2 * PAGE, MALLOW_SECRET_OWN_PAGES);
    sink = p[-1];
}
static void read_before_small(void) {
    char *p = mallow_secret_alloc(64, 0);
    sink = p[-17];
}
static void read_freed(void) {
    char *p = mallow_secret_alloc(32, MALLOW_SECRET_OWN_PAGES);
    mallow_secret_free(p);
    sink = p[0];
}
static void read_freed_shared(void) {
    char *p = mallow_secret_alloc(32, 0);
    mallow_secret_free(p);
    sink = p[0];
}

static void accesses_outside_the_state_fault(void **state) {
    (void)state;
    char expected[256];
    expect_death(read_closed, SIGSEGV,
                 "mallow: read of a secret of 32 bytes at 0x*, which is closed\n");
    expect_death(write_closed, SIGSEGV,
                 "mallow: write to a secret of 32 bytes at 0x*, which is closed\n");
    snprintf(expected, sizeof expected,
             "mallow: write to a secret of %zu bytes at 0x*, which is read-only\n", 5 * PAGE);
    expect_death(write_read_only, SIGSEGV, expected);
    expect_death(read_after_own, SIGSEGV,
                 "mallow: read of memory after the end of a secret of 33 bytes at 0x*\n");
    snprintf(expected, sizeof expected,
             "mallow: write to memory after the end of a secret of %zu bytes at 0x*\n", 2 * PAGE);
    expect_death(write_after_large, SIGSEGV, expected);
    snprintf(expected, sizeof expected,
             "mallow: read of memory before a secret of %zu bytes at 0x*\n", 2 * PAGE);
    expect_death(read_before_large, SIGSEGV, expected);
    expect_death(read_before_small, SIGSEGV,
                 "mallow: read of memory before a secret of 64 bytes at 0x*\n");
    expect_death(read_freed, SIGSEGV, "mallow: read of secret memory without a secret at 0x*\n");
    expect_death(read_freed_shared, SIGSEGV,
                 "mallow: read of secret memory without a secret at 0x*\n");
}

static void read_in_child(void) {
    char *p = mallow_secret_alloc(32, 0);
    strcpy(p, "the parent's");
    if (fork() == 0) {
        sink = p[0];
        _exit(0);
    }
    int status;
    wait(&status);
    if (WIFSIGNALED(status)) kill(getpid(), WTERMSIG(status));
}

static void the_parents_secrets_fault(void **state) {
    (void)state;
    expect_death(read_in_child, SIGSEGV,
                 "mallow: read of secret memory of the parent process at 0x*\n");
}

/* ---- damage ---- */

static void write_after_small(void) {
    char *p = mallow_secret_alloc(20, 0);
    p[20] ^= 1;
    mallow_secret_free(p);
}
static void write_far_after_small(void) {
    char *p = mallow_secret_alloc(20, 0);
    p[20 + 27] ^= 1;
    mallow_secret_close(p, writing);
}
static void write_before_small(void) {
    char *p = mallow_secret_alloc(32, 0);
    p[-1] ^= 0x40;
    mallow_secret_close(p, writing);
}
static void write_before_own(void) {
    char *p = mallow_secret_alloc(32, MALLOW_SECRET_OWN_PAGES);
    p[-16] ^= 1;
    mallow_secret_free(p);
}
static void write_between(void) {
    char *p = mallow_secret_alloc(PAGE + 1, 0); /* 15 bytes precede the guard page */
    p[PAGE + 1] ^= 1;
    mallow_secret_free(p);
}
static void write_into_freed(void) {
    char *kept = mallow_secret_alloc(32, 0), *p = mallow_secret_alloc(32, 0);
    mallow_secret_free(p);
    p[7] = 1;
    sink = *(char *)mallow_secret_alloc(32, 0);
    mallow_secret_free(kept);
}
/* The copied bytes include the canary of the source. */
static void copy_too_much(void) {
    char *from = mallow_secret_alloc(32, 0), *to = mallow_secret_alloc(32, 0);
    memcpy(to, from, 48);
    mallow_secret_free(to);
}

static void damage_ends_the_process(void **state) {
    (void)state;
    expect_death(write_after_small, SIGABRT,
                 "mallow: the bytes after a secret of 20 bytes at 0x* were overwritten\n");
    expect_death(write_far_after_small, SIGABRT,
                 "mallow: the bytes after a secret of 20 bytes at 0x* were overwritten\n");
    expect_death(write_before_small, SIGABRT,
                 "mallow: the bytes before a secret of 32 bytes at 0x* were overwritten\n");
    expect_death(write_before_own, SIGABRT,
                 "mallow: the bytes before a secret of 32 bytes at 0x* were overwritten\n");
    char expected[256];
    snprintf(expected, sizeof expected,
             "mallow: the bytes after a secret of %zu bytes at 0x* were overwritten\n", PAGE + 1);
    expect_death(write_between, SIGABRT, expected);
    expect_death(write_into_freed, SIGABRT, "mallow: a freed secret at 0x* was written to\n");
    expect_death(copy_too_much, SIGABRT,
                 "mallow: the bytes after a secret of 32 bytes at 0x* were overwritten\n");
}

/* ---- the program's handler ---- */

static void leave(int signal) { _exit(signal == SIGSEGV ? 42 : 43); }

static void fault_with_handler(void) {
    signal(SIGSEGV, leave);
    read_closed();
}

static void fault_elsewhere(void) {
    mallow_secret_alloc(32, 0);
    char *p = map_pages(1);
    mprotect(p, PAGE, PROT_NONE);
    sink = *p;
}

static void the_programs_handler_is_called(void **state) {
    (void)state;
    char report[1024];
    int status = run_child(fault_with_handler, report, sizeof report);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 42);
    assert_non_null(strstr(report, "which is closed\n"));
    status = run_child(fault_elsewhere, report, sizeof report);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSEGV);
    assert_string_equal(report, "");
}

int main(int argc, char **argv) {
    choose_kind(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accesses_outside_the_state_fault),
        cmocka_unit_test(the_parents_secrets_fault),
        cmocka_unit_test(damage_ends_the_process),
        cmocka_unit_test(the_programs_handler_is_called),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
