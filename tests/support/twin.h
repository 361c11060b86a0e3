/*
 * A program with one fault, and its twin: the same source, compiled with TWIN, does the same
 * without the fault.
 */
#ifndef TWIN_H
#define TWIN_H

#include <stdlib.h>

#ifdef TWIN
enum { FAULTY = 0 };
#else
enum { FAULTY = 1 };
#endif

/* Statements of the faulty program alone, and values. */
#define MISUSE(...)      \
    do {                 \
        if (FAULTY) {    \
            __VA_ARGS__; \
        }                \
    } while (0)
#define EITHER(faulty, correct) (FAULTY ? (faulty) : (correct))

/* A program's argument. */
static inline size_t number(const char *argument) { return strtoull(argument, NULL, 0); }

#endif
