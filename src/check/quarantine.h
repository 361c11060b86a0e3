/*
 * The quarantine of check=full. Freed slots wait here before they are handed out again, so that a
 * use after free is detected and does not reach the data of another block. Each heap has a ring for
 * each size class:
 *
 *     array   [ ... | oldest | ... | newest | ... ]
 *                     head             tail - 1          both only grow; index modulo capacity
 *
 * Only the heap's owner works on it. An entry is complete before `tail` covers it, and `head`
 * passes it before its slot is used again. A signal handler that jumps away in between therefore
 * loses at most one slot.
 */
#ifndef MALLOW_QUARANTINE_H
#define MALLOW_QUARANTINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap/heap.h"

struct quarantine_ring {
    struct magazine_entry *entries;
    uint32_t head, tail;
    uint32_t capacity; /* a power of two, or 0 */
};

struct quarantine {
    struct quarantine_ring rings[CLASSES];
    ptrdiff_t counted;    /* change of the held bytes that is not in the sum of all heaps so far */
    unsigned next_victim; /* class that gives up slots next, when too many bytes are held */
};

/* The minimum number of frees of a class between the free of a slot and its next use. Classes of
 * large slots have a smaller minimum. */
#define QUARANTINE_DELAY 200u

/* Adds a freed slot. Returns false if there is no memory for its entry. */
bool quarantine_put(struct heap *heap, unsigned size_class, struct magazine_entry entry);

/* Removes the oldest slot of the class for its next use, if it has waited long enough and slots
 * must leave soon anyway. Otherwise returns an entry without a slot. */
struct magazine_entry quarantine_take(struct heap *heap, unsigned size_class);

/* Returns the slot that leaves the class after QUARANTINE_AHEAD others, or an entry without a slot
 * if there are too few. The heap must have a quarantine. */
#define QUARANTINE_AHEAD 3u
struct magazine_entry quarantine_look_ahead(const struct heap *heap, unsigned size_class);

/* Called after a put. Removes a slot that must leave because too much is held. Otherwise returns an
 * entry without a slot. */
struct magazine_entry quarantine_evict(struct heap *heap, unsigned size_class);

/* Called when memory is short. Removes the oldest slot of some class, or returns an entry without a
 * slot if none is left. */
struct magazine_entry quarantine_relieve(struct heap *heap);

/* Returns how many bytes all heaps hold together. Each heap's share may be off by 1/64 of the
 * bound. */
size_t quarantine_bytes(void);

#endif
