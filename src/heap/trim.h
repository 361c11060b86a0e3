/* Returns the free pages inside slabs to the kernel: all of them for malloc_trim, and those of old
 * slabs for decay.c. */
#ifndef MALLOW_TRIM_H
#define MALLOW_TRIM_H

#include <stdbool.h>
#include <stddef.h>

#include "heap/heap.h"

/* A sweep over the slabs of a heap. */
struct trim_sweep {
    unsigned age;    /* free pages of slabs of this age or older are returned */
    bool may_retire; /* empty slabs may retire; false during a visit */
    bool some;       /* result: pages went back to the kernel */
    bool left;       /* result: some slabs are not old enough yet */
};

/* Continues a sweep for one slice, from granule *at on. Returns true if it has reached the end. The
 * caller owns or visits the heap. */
bool trim_slice(struct heap *heap, size_t *at, struct trim_sweep *sweep);

#endif
