/*
 * A program with one fault, and its twin: with MALLOW_TEST_TWIN in its environment, the program
 * does the same without the fault.
 */
#ifndef TWIN_H
#define TWIN_H

#include <stdlib.h>

static int is_faulty = 1;
#define FAULTY is_faulty
__attribute__((constructor)) static void choose_twin(void) {
    is_faulty = getenv("MALLOW_TEST_TWIN") == NULL;
}

/* Statements and values that only the faulty program uses. */
#define MISUSE(...)      \
    do {                 \
        if (FAULTY) {    \
            __VA_ARGS__; \
        }                \
    } while (0)
#define EITHER(faulty, correct) (FAULTY ? (faulty) : (correct))

/* Returns the number in a program's argument. */
static inline size_t number(const char *argument) { return strtoull(argument, NULL, 0); }

#endif
