/* Pages inside slabs that go back to the kernel: for malloc_trim all, for decay.c those of slabs
 * that nothing is taken from. */
#ifndef MALLOW_TRIM_H
#define MALLOW_TRIM_H

#include <stdbool.h>
#include <stddef.h>

#include "heap/heap.h"

/* What a sweep over the heap's slabs returned and left. */
struct trim_sweep {
    unsigned age;    /* of slabs whose pages go */
    bool may_retire; /* empty slabs: not on a visit */
    bool some;       /* pages went */
    bool left;       /* something will age further */
};

/* Goes on with a sweep at granule *at, a slice of it; true when it has reached the end. The caller
 * owns or visits the heap. */
bool trim_slice(struct heap *heap, size_t *at, struct trim_sweep *sweep);

#endif
