/* What the programs have in common: each of them plants one situation in the function planted(). */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOINLINE __attribute__((noinline))

/* Hides the block from the compiler. */
static inline void keep(void *block) { __asm__ volatile("" ::"r"(block) : "memory"); }

static inline void use(void *block, size_t size) {
    memset(block, 1, size);
    keep(block);
}

#endif
