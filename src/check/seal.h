/*
 * check=seal: between the default mode and check=hard. It works on the magazines of the default
 * mode, and writes only a few words of a block:
 *
 *     | block | seal |        up to 1 KiB: the last eight bytes of the slot
 *     ^ slot         ^ next slot
 *
 * - The seal depends on a secret and on its address. It is compared when the block is freed, so an
 *   overflow is found, and a write before the next block.
 * - A freed slot waits in a queue of its class and thread until a number of others were freed. Its
 *   first two words are zero, and are compared when it leaves. A block that is freed twice
 * meanwhile, or written to, is found; an old pointer to it meets no other block.
 *
 * malloc takes a slot from the magazine to which the sentinel leads, as the counting path does
 * (counting.h); nothing is counted. Every free takes the slow path, which looks at the seal and
 * exchanges the slot with the one that has waited longest. The state of a live block is USED, so
 * everything else is as in the default mode. While another mode looks at each call, blocks pass
 * through the modes instead.
 *
 * Slabs that are older than the mode have no seals (`tail` in struct slab).
 */
#ifndef MALLOW_SEAL_H
#define MALLOW_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "check/record.h"
#include "heap/heap.h"

/* A queue holds at most this many slots, and at most SEAL_BYTES unless that is less than two. */
#define SEAL_SLOTS 64u
#define SEAL_BYTES (16 * KIB)

struct seal {
    struct seal_queue {
        uint32_t
            next; /* counts the slots that entered; modulo the length: the place of the oldest */
        uint32_t last;                  /* length - 1; the length is a power of two */
        struct magazine_entry *entries; /* NULL until the queue is first used */
    } queue[CLASSES];
};

/* Returns true if the seal after a live block is damaged, or the words of a slot that waits. */
bool seal_is_damaged(const struct slot_ref *ref);

/* Reports that damage. Returns false if there is none. */
bool seal_verify(const struct slot_ref *ref, const char *when);

#endif
