/* What the programs have in common: each of them plants one situation in the function planted(). */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOINLINE __attribute__((noinline))

/* Writes to the block, and hides it from the compiler. */
static inline void use(void *block, size_t size) {
    memset(block, 1, size);
    __asm__ volatile("" ::"r"(block) : "memory");
}

#endif
