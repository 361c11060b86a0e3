/* A heap's lists of its slabs. Only the files slab*.[ch] use them. */
#ifndef MALLOW_SLAB_LISTS_H
#define MALLOW_SLAB_LISTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/assert.h"
#include "base/atomics.h"
#include "heap/heap.h"
#include "pages/space.h"

static inline void slab_bin_add(struct heap *heap, struct slab *slab) {
    struct heap_bin *bin = &heap->bin[slab->size_class];
    MALLOW_ASSERT(slab->size_class < CLASSES);
    MALLOW_ASSERT(slab->index == 0);
    MALLOW_ASSERT(!slab->listed);
    MALLOW_ASSERT(bin->partial != slab);
    MALLOW_ASSERT(bin->partial == NULL || bin->partial->prev == NULL);
    slab->prev = NULL;
    slab->next = bin->partial;
    if (slab->next != NULL) slab->next->prev = slab;
    racy_store(&bin->partial, slab);
    slab->listed = true;
}

static inline void slab_bin_remove(struct heap *heap, struct slab *slab) {
    MALLOW_ASSERT(slab->listed);
    MALLOW_ASSERT(slab->next == NULL || slab->next->prev == slab);
    MALLOW_ASSERT((slab->prev == NULL ? heap->bin[slab->size_class].partial : slab->prev->next) ==
                  slab);
    if (slab->next != NULL) slab->next->prev = slab->prev;
    if (slab->prev != NULL)
        slab->prev->next = slab->next;
    else
        racy_store(&heap->bin[slab->size_class].partial, slab->next);
    slab->listed = false;
}

/* Removes the slab from the empty slabs that the heap keeps, if it is one of them. */
static inline void slab_use_empty(struct heap *heap, const struct slab *slab) {
    MALLOW_ASSERT(heap->empties <= EMPTY_SLABS);
    for (unsigned i = 0; i < heap->empties; i++)
        if (heap->empty[i] == slab) heap->empty[i] = heap->empty[--heap->empties];
}

#endif
