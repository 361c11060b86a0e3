/*
 * Each program here commits one misuse of the heap. Its twin, the same source compiled with TWIN,
 * does the same without the misuse. The first line of a source names what must happen to the
 * program: a signal, or the start of a message as an extended regular expression (see expect.sh).
 *
 * Pointers are volatile so that no compiler sees the misuse coming.
 */
#ifndef MISUSE_H
#define MISUSE_H

#include <stdlib.h>

#ifdef TWIN
enum { FAULTY = 0 };
#else
enum { FAULTY = 1 };
#endif

#define BUG(...)         \
    do {                 \
        if (FAULTY) {    \
            __VA_ARGS__; \
        }                \
    } while (0)
#define EITHER(faulty, correct) (FAULTY ? (faulty) : (correct))

static inline size_t number(const char *argument) { return strtoull(argument, NULL, 0); }

#endif
