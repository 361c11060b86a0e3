/*
 * The queue of check=hard: large slots that a thread has freed, of all classes, in the order of
 * their frees. A slot leaves it when HARD_DELAY other large slots were freed after it, or
 * QUEUE_BYTES of them. It then enters the ring of its class, for the next allocation, or its slab
 * if the ring is full. With a delay for each class, a thread that uses all 40 classes would keep 80
 * MiB.
 */
#ifndef MALLOW_HARD_QUEUE_H
#define MALLOW_HARD_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "heap/heap.h"

#define QUEUE_BYTES ((uint64_t)MIB)

/* Keeps a slot, which is HELD. The caller must not have entered the heap. */
void hard_queue_keep(struct magazine_entry entry, const struct slab *slab);

/* Gives all slots in the queue and the rings back to their slabs, when memory is short. Returns
 * false if there were none. */
bool hard_relieve(struct heap *heap);

#endif
