/* The cases of the test guard_fault, and the helpers that they share. */
#ifndef GUARD_FAULT_H
#define GUARD_FAULT_H

#include "check.h"
#include "guard/guard.h"

enum { SIZE = 96, HANDLED = 42 };

struct fault_case {
    const char *name;
    void (*run)(void);
    int signal; /* that ends the child; 0: the child exits with the status HANDLED */
    const char *report[3];
};

/* Cases with handlers of the program, ended by one without a name (guard_fault_handlers.c). */
extern const struct fault_case handler_cases[];

static inline char *alloc_guarded(size_t size) {
    char *block = guard_alloc(size, 16, FAMILY_MALLOC, 0);
    CHECK(block != NULL);
    return block;
}

static inline void free_guarded(char *block) { CHECK_EQUAL(guard_free(block, 0), GUARD_FREED); }

static inline void read_at(const volatile char *p) {
    char byte = *p;
    __asm__ volatile("" : : "r"(byte));
}

static inline void write_at(volatile char *p) { *p = 1; }

static inline void write_past_end(void) { write_at(alloc_guarded(SIZE) + SIZE); }

#endif
