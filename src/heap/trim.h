/*
 * Pages inside slabs that go back to the kernel: for malloc_trim all, for decay.c those of slabs
 * that nothing is taken from.
 *
 * A slab's age is how often it was looked at since the last slot was taken from it. At AGE_OLD its
 * free pages go, and it is AGE_TRIMMED until another slot becomes free in it.
 */
#ifndef MALLOW_TRIM_H
#define MALLOW_TRIM_H

#include <stdbool.h>
#include <stddef.h>

#include "heap/heap.h"

enum { AGE_NONE, AGE_OLD = 2, AGE_TRIMMED };

/* What a sweep over the heap's slabs returned and left. */
struct sweep {
    unsigned age;    /* of slabs whose pages go */
    bool may_retire; /* empty slabs: not on a visit */
    bool some;       /* pages went */
    bool left;       /* something will age further */
};

/* Goes on with a sweep at granule *at, a slice of it; true when it has reached the end. The caller
 * owns or visits the heap. */
bool trim_slice(struct heap *heap, size_t *at, struct sweep *sweep);

#endif
