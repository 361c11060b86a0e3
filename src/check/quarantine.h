/*
 * The quarantine: freed slots of checked blocks wait here before they are handed out again, so
 * that a use after free finds nobody else's data, and is seen. A ring for each class and heap:
 *
 *     array   [ ... | oldest | ... | newest | ... ]
 *                     head             tail - 1          both only grow; index modulo capacity
 *
 * The owner of the heap alone works on it. An entry is complete before `tail` covers it and is left
 * before it is used again, so whoever jumps away in between loses a slot at most.
 */
#ifndef MALLOW_QUARANTINE_H
#define MALLOW_QUARANTINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap/heap.h"

struct quarantine_ring {
    struct entry *entries;
    uint32_t head, tail;
    uint32_t capacity; /* a power of two, or 0 */
};

struct quarantine {
    struct quarantine_ring rings[CLASSES];
    ptrdiff_t counted;    /* bytes that came, less those that left, and are not in the sum yet */
    unsigned next_victim; /* class that gives up slots next, when there are too many bytes */
};

/* So many frees of a class at least come between a slot's free and its next use. */
#define QUARANTINE_DELAY 200u

/* Keeps a slot that was freed; false when there is no memory for that. */
bool quarantine_put(struct heap *heap, unsigned size_class, struct entry entry);

/* The oldest slot of the class, if it may be used again now; else an entry without a slot. */
struct entry quarantine_take(struct heap *heap, unsigned size_class);

/* After one has left: that which leaves the class after some more, or without a slot. */
#define QUARANTINE_AHEAD 3u
struct entry quarantine_look_ahead(const struct heap *heap, unsigned size_class);

/* After a put: a slot that must leave, since more is held than may be; else one without a slot. */
struct entry quarantine_evict(struct heap *heap, unsigned size_class);

/* The oldest slot of any class, when memory is short; without a slot when none is held. */
struct entry quarantine_relieve(struct heap *heap);

/* Bytes that all heaps hold together, within a few hundredths. */
size_t quarantine_bytes(void);

#endif
