/*
 * What the operating system may refuse, it refuses, and the heap stays whole: a block may not be
 * had, but all others keep their content, the figures stay true, and everything works again as
 * soon as the system grants what is asked for.
 *     inject each COUNT      the N-th call and the COUNT-1 after it fail, for every N there is
 *     inject always CALL     calls of one kind fail from the first on, or with "any" all
 *     inject ignored CALL    they fail unnoticed: that must not go well
 * Each run has a process, and so a heap, of its own.
 */
#include "failing_os.h"
#include "processes.h"
#include "workload.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

static void run_through(void) {
    workload_run(true);
    os_fail(OS_ANY, LONG_MAX, LONG_MAX);
    workload_run(false);
    workload_end();
}

/* Whether the N-th call was ever made. */
static bool fail_from(long n, long count) {
    enum { ALL_WELL = 0, NOT_REACHED = 10 };
    pid_t child = start_child();
    if (child == 0) {
        os_fail(OS_ANY, n, n + count - 1);
        workload_run(true);
        bool reached = os_calls_failed() > 0;
        os_fail(OS_ANY, LONG_MAX, LONG_MAX);
        workload_run(false);
        workload_end();
        _exit(reached ? ALL_WELL : NOT_REACHED);
    }
    int status;
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) ||
        (WEXITSTATUS(status) != ALL_WELL && WEXITSTATUS(status) != NOT_REACHED))
        check_failed("call %ld failed, and that did not go well (status %#x)\n", n, status);
    return WEXITSTATUS(status) == ALL_WELL;
}

static void fail_each(long count) {
    long n = 1;
    while (fail_from(n, count)) n++;
    printf("%ld calls, %ld at a time\n", n - 1, count);
    CHECK(n > 100);
}

static enum os_call call_named(const char *name) {
    if (strcmp(name, "any") == 0) return OS_ANY;
    for (int call = 0; call < OS_CALLS; call++)
        if (strcmp(os_call_names[call], name) == 0) return (enum os_call)call;
    check_failed("no call has the name %s\n", name);
    return OS_ANY;
}

static void fail_always(enum os_call call) {
    os_fail(call, 1, LONG_MAX);
    run_through();
}

/* Nothing is said of how it fails. */
static void fail_unnoticed(enum os_call call) {
    pid_t child = start_child();
    if (child == 0) {
        dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        os_fail_unnoticed(call, 1, LONG_MAX);
        workload_run(true);
        workload_end();
        _exit(EXIT_SUCCESS);
    }
    int status;
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK(status != 0);
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "each") == 0)
        fail_each(strtol(argv[2], NULL, 10));
    else if (argc == 3 && strcmp(argv[1], "always") == 0)
        fail_always(call_named(argv[2]));
    else if (argc == 3 && strcmp(argv[1], "ignored") == 0)
        fail_unnoticed(call_named(argv[2]));
    else
        check_failed("usage: inject each COUNT | always CALL | ignored CALL\n");
    return EXIT_SUCCESS;
}
