/* A heap's lists of its slabs, for the files slab*.c alone. */
#ifndef MALLOW_SLAB_LISTS_H
#define MALLOW_SLAB_LISTS_H

#include <stdbool.h>
#include <stddef.h>

#include "heap/heap.h"
#include "pages/granule.h"

static inline void slab_bin_add(struct heap *heap, struct slab *slab) {
    struct bin *bin = &heap->bin[slab->class];
    slab->prev = NULL;
    slab->next = bin->partial;
    if (slab->next != NULL) slab->next->prev = slab;
    bin->partial = slab;
    slab->listed = true;
}

static inline void slab_bin_remove(struct heap *heap, struct slab *slab) {
    if (slab->next != NULL) slab->next->prev = slab->prev;
    if (slab->prev != NULL)
        slab->prev->next = slab->next;
    else
        heap->bin[slab->class].partial = slab->next;
    slab->listed = false;
}

/* The slab is no longer empty. */
static inline void slab_use_empty(struct heap *heap, const struct slab *slab) {
    for (unsigned i = 0; i < heap->empties; i++)
        if (heap->empty[i] == slab) heap->empty[i] = heap->empty[--heap->empties];
}

/* Keeps a slab that became empty for its class, or retires it. */
void slab_keep_empty(struct heap *heap, struct slab *slab);

#endif
