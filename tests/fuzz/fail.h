/* Ends the fuzzer itself when it cannot continue. */
#ifndef FUZZ_FAIL_H
#define FUZZ_FAIL_H

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* exit() and err() are wrapped (wrap.c), so the fuzzer itself does not use them. */
static inline _Noreturn void die(const char *what, const char *why) {
    fprintf(stderr, "fuzz: %s: %s\n", what, why);
    _exit(2);
}

static inline void *or_fail(void *allocated) {
    if (allocated == NULL) die("memory", strerror(errno));
    return allocated;
}

#endif
