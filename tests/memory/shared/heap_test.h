/* Shared heaps in tests. */
#ifndef HEAP_TEST_H
#define HEAP_TEST_H

#include "unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mallow/shared.h"

#define assert_ok(call) assert_result((call), MALLOW_OK)
#define assert_result(call, expected)                                                        \
    do {                                                                                     \
        enum mallow_result result_ = (call);                                                 \
        if (result_ != (expected))                                                           \
            fail_msg("%s: %s instead of %d", #call, mallow_error_text(result_), (expected)); \
    } while (0)

/* Returns a new heap in a memfd. */
static inline struct mallow_shared *new_heap(uint64_t size, uint64_t maximum) {
    struct mallow_shared *heap = NULL;
    struct mallow_shared_options options = {.size = size, .maximum = maximum};
    assert_ok(mallow_shared_memfd(&heap, &options));
    return heap;
}

static inline void check_heap(struct mallow_shared *heap) {
    struct mallow_shared_finding finding = {NULL, 0};
    if (mallow_shared_check(heap, &finding) != MALLOW_OK)
        fail_msg("%s at %llu", finding.problem, (unsigned long long)finding.position);
}

static inline struct mallow_shared_statistics measure(struct mallow_shared *heap) {
    struct mallow_shared_statistics statistics;
    assert_ok(mallow_shared_measure(heap, &statistics));
    return statistics;
}

/* Returns the wait status of a child process that calls the function. */
static inline int in_child(void (*function)(void *), void *context) {
    int status;
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        function(context);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* Stores the name of a new path in a temporary directory, which remove_paths removes. */
static inline const char *temporary_path(void) {
    static char path[64];
    snprintf(path, sizeof path, "/tmp/mallow-shared-%d", (int)getpid());
    return path;
}

#endif
