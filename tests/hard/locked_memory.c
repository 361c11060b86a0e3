/*
 * After mlockall(MCL_CURRENT | MCL_FUTURE) all memory becomes resident as soon as it is mapped. The
 * heap then locks little more than the program needs, and malloc fails with ENOMEM at the limit of
 * locked memory.
 */
#define _GNU_SOURCE
#include "check.h"
#include "churn.h"
#include "limit.h"
#include "processes.h"

#include <string.h>
#include <sys/mman.h>

enum { MEBIBYTE = 1 << 20, BLOCK = 1024, NEED = 200 * MEBIBYTE, NOBODY = 65534 };
enum { LIMIT_MIN = 4 * MEBIBYTE, LIMIT_MAX = 64 * MEBIBYTE, LIFTED = MEBIBYTE / 4 };

/* Returns how much memory of this process is locked. */
static size_t locked_bytes(void) {
    char line[256];
    unsigned long kibibytes = 0;
    FILE *file = fopen("/proc/self/status", "r");
    CHECK(file != NULL);
    while (fgets(line, sizeof(line), file) != NULL)
        if (sscanf(line, "VmLck: %lu kB", &kibibytes) == 1) break;
    fclose(file);
    return (size_t)kibibytes * 1024;
}

static void lock_all(void) {
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) skip("no memory can be locked");
}

static void churn_a_while(void) {
    static struct churn churn = {.random = 1};
    churn_steps(&churn, 10000);
    churn_finish(&churn);
}

static void no_more_than_needed(void) {
    lock_all();
    struct list *list = NULL;
    size_t before = locked_bytes();
    for (size_t bytes = 0; bytes < NEED; bytes += BLOCK) {
        struct list *block = malloc(BLOCK);
        CHECK(block != NULL);
        block->next = list;
        list = block;
    }
    size_t locked = locked_bytes() - before;
    CHECK(locked >= NEED);
    /* 2 % and 2 MiB are allowed for metadata. */
    if (running_on_mallow()) CHECK(locked <= NEED + NEED / 50 + 2 * MEBIBYTE);
    pid_t child = start_child(); /* No memory is locked in the child. */
    if (child == 0) {
        churn_a_while();
        free_list(&list);
        exit(EXIT_SUCCESS);
    }
    check_child_succeeds(child);
    free_list(&list);
    churn_a_while();
}

static void set_limit(rlim_t bytes, rlim_t most) {
    const struct rlimit limit = {.rlim_cur = bytes, .rlim_max = most};
    CHECK_EQUAL(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
}

/* Between exhaustions the limit is lifted a little, because a heap at its limit can refuse a small
 * block even when all blocks are free: locked pages in the middle of the heap cannot be given back.
 * Gives up root's rights first, because the limit does not apply to root. */
static void up_to_the_limit(void) {
    struct rlimit limit;
    CHECK_EQUAL(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
    if (limit.rlim_max > LIMIT_MAX) limit.rlim_max = LIMIT_MAX;
    limit.rlim_cur = limit.rlim_max - LIFTED;
    if (limit.rlim_cur < LIMIT_MIN) skip("next to nothing can be locked");
    set_limit(limit.rlim_cur, limit.rlim_max);
    if (geteuid() == 0) CHECK_EQUAL(setresuid(NOBODY, NOBODY, NOBODY), 0);
    lock_all();
    size_t left = limit.rlim_cur - locked_bytes();
    static const size_t sizes[] = {100, 30000, 300000, 10};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct list *list = NULL;
        set_limit(limit.rlim_cur, limit.rlim_max);
        size_t count = allocate_until_exhausted(&list, sizes[i]);
        CHECK(count * sizes[i] <= limit.rlim_cur);
        CHECK(sizes[i] < 100 || count * sizes[i] >= left / 2);
        free_list(&list);
        set_limit(limit.rlim_max, limit.rlim_max);
        churn_a_while();
    }
}

int main(void) {
    pid_t child = start_child();
    if (child == 0) {
        no_more_than_needed();
        exit(EXIT_SUCCESS);
    }
    int status;
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == STATUS_SKIPPED) return STATUS_SKIPPED;
    CHECK_EQUAL(status, 0);
    up_to_the_limit();
}
