/* Scopes with blocks whose content is checked. */
#ifndef SCRATCH_BLOCKS_H
#define SCRATCH_BLOCKS_H

#include "unit.h"

#include <string.h>

#include "mallow/scratch.h"

#define NOINLINE __attribute__((noinline, unused))

/* Does not call rand(): a handler that jumps out of rand() would leave its lock held. */
static inline unsigned below(unsigned limit) {
    static _Thread_local unsigned seed;
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % limit;
}

static inline void fill(char *block, size_t size, int value) {
    assert_non_null(block);
    assert_int_equal((uintptr_t)block % 16, 0);
    memset(block, value, size);
}

static inline void check(const char *block, size_t size, int value) {
    for (size_t i = 0; i < size; i++)
        if (block[i] != (char)value) fail_msg("byte %zu of %zu changed", i, size);
}

static inline size_t any_size(void) {
    return below(100) == 0 ? below(100000) : below(10) == 0 ? below(4000) : below(100);
}

static NOINLINE void end_a_scope(void) {
    MALLOW_SCRATCH(scratch);
    fill(mallow_scratch_alloc(&scratch, 10), 10, 1);
}

/* Allocates before, between and after the scopes of other frames. */
static NOINLINE void nest(int depth) {
    MALLOW_SCRATCH(scratch);
    char *blocks[4];
    size_t sizes[4];
    for (int i = 0; i < 4; i++) {
        sizes[i] = any_size();
        blocks[i] = mallow_scratch_alloc(&scratch, sizes[i]);
        fill(blocks[i], sizes[i], depth + i);
        for (int n = depth > 0 ? (int)below(3) : 0; n > 0; n--) nest(depth - 1 - (int)below(3));
        if (below(2) == 0) {
            MALLOW_SCRATCH(inner);
            fill(mallow_scratch_zalloc(&inner, 50), 50, 7);
        }
    }
    for (int i = 0; i < 4; i++) check(blocks[i], sizes[i], depth + i);
}

#endif
