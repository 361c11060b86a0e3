/*
 * The heap survives failing system calls: an allocation may be refused, but all blocks keep their
 * content, the statistics stay correct, and everything works again when the calls succeed.
 *     inject each COUNT      the N-th call and the COUNT - 1 after it fail, for every N
 *     inject some COUNT      like "each", for the first N, and some of the others
 *     inject always CALL     all calls of one kind fail, or all calls with "any"
 *     inject ignored CALL    they fail, but return success: the workload must fail
 *     inject within BYTES    no more than BYTES are granted
 *     inject refused         a request that can never be granted is refused after few calls
 * Each run has its own process, and so its own heap.
 */
#include "base/layout.h"
#include "failing_os.h"
#include "limited_os.h"
#include "mallow.h"
#include "processes.h"
#include "workload.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

static void run_through(void) {
    workload_run(true);
    os_fail(OS_ANY, LONG_MAX, LONG_MAX);
    workload_run(false);
    workload_end();
}

/* Lets COUNT calls fail from the N-th on. Returns false if the workload makes fewer than N
 * calls. */
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
        check_failed("the workload failed after failing call %ld (status %#x)\n", n, status);
    return WEXITSTATUS(status) == ALL_WELL;
}

static void fail_each(long count, long first, long step) {
    long n = 1;
    while (fail_from(n, count)) n += n < first ? 1 : step;
    printf("%ld calls, %ld at a time\n", n - 1, count);
    CHECK(n > 50);
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

/* Allocates blocks of the size until no memory is left, then frees them. Returns their total. */
static size_t fill_and_empty(size_t size) {
    size_t count = 0;
    void **list = NULL, **block;
    errno = 0;
    for (; (block = mallow_malloc(size)) != NULL; count++) {
        *block = (void *)list;
        list = block;
    }
    CHECK_EQUAL(errno, ENOMEM);
    for (; list != NULL; list = block) {
        block = *list;
        mallow_free((void *)list);
    }
    return count * size;
}

/* Freed memory can be reused for every other size. */
static void stay_within(size_t bytes) {
    static const size_t sizes[] = {100, 40000, 1000, 500000, 20000, 150000};
    enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };
    size_t had[SIZES];
    mallow_free(mallow_malloc(1)); /* The reserved address space does not count. */
    os_limit(bytes);
    workload_run(true);
    workload_end();
    for (int i = 0; i < SIZES; i++) had[i] = fill_and_empty(sizes[i]);
    for (int i = 0; i < SIZES; i++) {
        size_t has = fill_and_empty(sizes[i]);
        printf("%zu, then %zu of %zu bytes in blocks of %zu\n", had[i], has, bytes, sizes[i]);
        CHECK(has + GRANULE >= had[i] / 4 * 3); /* A whole slab may be missing. */
        /* The rest is in slabs, magazines and metadata of the workload. */
        CHECK(bytes < 16000000 || has >= bytes / 2);
    }
    workload_run(true);
    workload_end();
}

enum { REFUSALS = 100, CALLS_MAX = 10 };

static void refuse_each(void *block, size_t size) {
    os_fail(OS_ANY, LONG_MAX, LONG_MAX); /* starts the count */
    for (int i = 0; i < REFUSALS; i++)
        CHECK((block == NULL ? mallow_malloc(size) : mallow_realloc(block, size)) == NULL);
    printf("%ld calls for %d refusals of %zu bytes\n", os_calls_made(), REFUSALS, size);
    CHECK(os_calls_made() <= REFUSALS * CALLS_MAX);
}

/* The first refusal may return memory that was granted in advance, so it is not counted. */
static void refuse_soon(void) {
    void *slot = mallow_malloc(100), *run = mallow_malloc(100000), *mapping = mallow_malloc(500000);
    os_limit(1000000);
    CHECK(mallow_malloc(1 << 30) == NULL);
    refuse_each(NULL, 1 << 30);
    refuse_each(NULL, (size_t)1 << 46);
    refuse_each(NULL, PTRDIFF_MAX);
    refuse_each(slot, 1 << 30);
    refuse_each(run, 1 << 30);
    refuse_each(mapping, 1 << 30);
    mallow_free(slot), mallow_free(run), mallow_free(mapping);
    workload_check_heap();
}

/* The workload must fail, in any way. */
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
    static char output[BUFSIZ]; /* A buffer in libc's heap would move the program break. */
    setvbuf(stdout, output, _IOFBF, sizeof output);
    if (argc == 3 && strcmp(argv[1], "each") == 0)
        fail_each(strtol(argv[2], NULL, 10), 0, 1);
    else if (argc == 3 && strcmp(argv[1], "some") == 0)
        fail_each(strtol(argv[2], NULL, 10), 30, 31);
    else if (argc == 3 && strcmp(argv[1], "always") == 0)
        fail_always(call_named(argv[2]));
    else if (argc == 3 && strcmp(argv[1], "ignored") == 0)
        fail_unnoticed(call_named(argv[2]));
    else if (argc == 2 && strcmp(argv[1], "refused") == 0)
        refuse_soon();
    else if (argc == 3 && strcmp(argv[1], "within") == 0)
        stay_within(strtoul(argv[2], NULL, 10));
    else
        check_failed(
            "usage: inject each|some COUNT | always CALL | ignored CALL | within BYTES | "
            "refused\n");
    return EXIT_SUCCESS;
}
