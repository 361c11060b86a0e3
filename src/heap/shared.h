/*
 * Shared granules pack slots of all small classes next to each other, for classes that a thread
 * seldom uses. A slab would cost each thread a page for each class, but a shared slot costs only
 * its own size. A thread takes its first slots of a class from here, and keeps those that it frees
 * in its magazine. After SHARED_HEAT takes and frees it uses slabs, because shared slots are not
 * freed on the fast path.
 *
 * A granule has one state byte for each unit of 16 bytes. The byte of a slot's first unit is its
 * state (USED, CACHED or FREE). That of its second unit is a mark with the class, from which the
 * slot's size follows. A slot without such a mark is of the 16-byte class. A slot never changes its
 * class:
 *
 *      units   |  0     1     2  |  3  |  4  |  5     6     7  |  8     9 ...
 *      states   USED  48-B   -      -   USED   -     -     -   FREE  160-B ...
 *
 * Slots of less than two cache lines have cache lines of their own, so that two threads do not
 * write to the same line. In the picture, slots of 48, 16 and 160 bytes follow one another.
 *
 * The functions take the locks that they need.
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

/* Returns true if the thread still takes slots of this class from here. */
static inline bool shared_wants(const struct heap_bin *bin, unsigned size_class) {
    return size_class < SHARED_CLASSES && size_class != CLASS_ZERO && bin->heat < SHARED_HEAT &&
           bin->partial == NULL;
}

extern struct open_lock shared_lock;

/* Takes a slot of the class, whose state becomes USED. *zeroed becomes true if the slot reads as
 * zero. Returns NULL if there is no memory or the lock is refused. */
char *shared_take(unsigned size_class, bool *zeroed);

/* Makes a cached slot available to all threads. */
void shared_give(char *slot);

/* Makes the heap's slots that wait (shared_free.c) available to all threads. */
void shared_flush_waiting(struct heap *heap);

/* Returns the number of the unit in its granule. */
static inline uint32_t shared_unit(const void *p) {
    return (uint32_t)((uintptr_t)p % GRANULE / UNIT);
}

static inline _Atomic uint8_t *shared_state(const char *slot) {
    return &slab_of(granule_of(slot))->state[shared_unit(slot)];
}

/* Returns the class of the slot that begins at the unit. */
unsigned shared_class(const struct slab *granule, uint32_t unit);

/* Returns the unit at which the slot around `unit` begins; UINT32_MAX if there is none. */
uint32_t shared_find_start(const struct slab *granule, uint32_t unit);

/* In the child of a fork: finds the free slots again if another thread held the lock, or if
 * `rebuild` is true. */
void shared_after_fork(bool rebuild);

#endif
