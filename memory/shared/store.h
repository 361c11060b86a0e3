/*
 * The stores that change an image. A process can be killed between any two of them.
 *
 * Each store is a release store. The compiler therefore keeps all stores in the order of the
 * program: a killed process has done all stores before some point of the program, and none after
 * it. This suffices without stronger instructions, because a process dies at an instruction, not in
 * a cache: its earlier stores reach the other processors, which have coherent caches, before the
 * kernel marks its locks as orphaned. It does not suffice for a power failure, which can lose any
 * pages of a file; see commit.c.
 *
 * The models of tests/memory/shared define MALLOW_STORE_HOOK, and stop at each store.
 */
#ifndef MALLOW_STORE_H
#define MALLOW_STORE_H

#include <stdint.h>

#ifdef MALLOW_STORE_HOOK
void store_hook(void);
#else
static inline void store_hook(void) {}
#endif

static inline void store_byte(unsigned char *place, unsigned value) {
    store_hook();
    __atomic_store_n((volatile unsigned char *)place, (unsigned char)value, __ATOMIC_RELEASE);
}

static inline void store_word(uint64_t *place, uint64_t value) {
    store_hook();
    __atomic_store_n((volatile uint64_t *)place, value, __ATOMIC_RELEASE);
}

#endif
