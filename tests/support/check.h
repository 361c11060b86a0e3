/*
 * Assertions for test programs. The first failure prints its place and ends the process with status
 * 1, in any thread, signal handler or forked child.
 *
 * The programs use the names of libc, so that they run under any allocator. Without Mallow they
 * show what libc itself does.
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

/* Compares two integers; a failure prints both. */
#define CHECK_EQUAL(actual, expected)                                                       \
    do {                                                                                    \
        long long actual_value = (long long)(actual);                                       \
        long long expected_value = (long long)(expected);                                   \
        if (actual_value != expected_value)                                                 \
            check_failed("%s:%d: %s is %lld, expected %lld\n", __FILE__, __LINE__, #actual, \
                         actual_value, expected_value);                                     \
    } while (0)

#define check_failed(...) (dprintf(STDERR_FILENO, __VA_ARGS__), _exit(EXIT_FAILURE))

/* Guards the few checks that libc itself does not pass. */
static inline int running_on_mallow(void) { return dlsym(RTLD_DEFAULT, "mallow_malloc") != NULL; }

static inline void skip(const char *reason) {
    printf("skipped: %s\n", reason);
    exit(STATUS_SKIPPED);
}

#ifdef __cplusplus
}
#endif

#endif
