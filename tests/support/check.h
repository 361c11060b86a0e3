/*
 * Assertions for programs that are themselves the test: the first failure names the place and ends
 * the process with status 1, whichever thread, signal handler or forked child it is found in.
 *
 * The programs use the libc names, so that they run under any allocator: without Mallow they show
 * what libc itself does.
 */
#ifndef CHECK_H
#define CHECK_H

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { STATUS_SKIPPED = 77 };

#define CHECK(condition) \
    ((condition) ? (void)0 : check_failed("%s:%d: failed: %s\n", __FILE__, __LINE__, #condition))

/* For integers: a failure shows both. */
#define CHECK_EQUAL(actual, expected)                                                       \
    do {                                                                                    \
        long long actual_value = (long long)(actual);                                       \
        long long expected_value = (long long)(expected);                                   \
        if (actual_value != expected_value)                                                 \
            check_failed("%s:%d: %s is %lld, expected %lld\n", __FILE__, __LINE__, #actual, \
                         actual_value, expected_value);                                     \
    } while (0)

#define check_failed(...) (dprintf(STDERR_FILENO, __VA_ARGS__), _exit(EXIT_FAILURE))

/* For the few demands that libc itself does not meet. */
static inline int running_on_mallow(void) { return dlsym(RTLD_DEFAULT, "mallow_malloc") != NULL; }

static inline void skip(const char *reason) {
    printf("skipped: %s\n", reason);
    exit(STATUS_SKIPPED);
}

#ifdef __cplusplus
}
#endif

#endif
