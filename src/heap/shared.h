/*
 * Shared granules: blocks of all small classes packed side by side, for classes that a thread uses
 * little. A slab of its own would cost each thread a page for each class; here a block costs its
 * own size. A thread takes its first slots of a class from here and keeps those that it frees in
 * its magazine; after SHARED_HEAT of both it gets slabs, for a free of a shared slot is no fast
 * path.
 *
 * A granule's state bytes are one per 16-byte unit. A slot's first unit has its state (USED,
 * CACHED or FREE), its second the class, so the slot's size can be told (a slot without a second
 * unit is of the 16-byte class); a slot keeps its class for ever:
 *
 *      units   |  0     1     2  |  3  |  4  |  5     6     7  |  8     9 ...
 *      states   USED  48-B   -      -   USED   -     -     -   FREE  160-B ...
 *
 * Slots of less than two cache lines begin and end with one (here 48, 16 and 160 bytes), so that
 * threads do not write to the same line.
 *
 * The functions lock for themselves.
 */
#ifndef MALLOW_SHARED_H
#define MALLOW_SHARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/layout.h"
#include "heap/heap.h"
#include "heap/slab.h"
#include "os/open_lock.h"

#define SHARED_HEAT 32u
#define SHARED_CLASS_MARK 0x40u

_Static_assert(SHARED_CLASS_MARK + SHARED_CLASSES <= SLOT_FREE,
               "class marks and states are disjoint");

/* Whether the thread still takes this class from here. */
static inline bool shared_wants(const struct heap_bin *bin, unsigned size_class) {
    return size_class < SHARED_CLASSES && size_class != CLASS_ZERO && bin->heat < SHARED_HEAT &&
           bin->partial == NULL;
}

extern struct open_lock shared_lock;

/* A used slot of the class; NULL when there is no memory. *zeroed: it reads as zero. */
char *shared_take(unsigned size_class, bool *zeroed);

/* Gives a cached slot to all. */
void shared_give(char *slot);

/* The unit's number, from the granule's start. */
static inline uint32_t shared_unit(const void *p) {
    return (uint32_t)((uintptr_t)p % GRANULE / UNIT);
}

static inline _Atomic uint8_t *shared_state(const char *slot) {
    return &slab_of(granule_of(slot))->state[shared_unit(slot)];
}

/* The class of the slot that begins at the unit. */
unsigned shared_class(const struct slab *granule, uint32_t unit);

/* The unit at which the slot around `unit` begins, or UINT32_MAX when there is none. */
uint32_t shared_find_start(const struct slab *granule, uint32_t unit);

/* In the child of a fork: finds the free slots anew if they were in motion, or if told so. */
void shared_after_fork(bool rebuild);

#endif
