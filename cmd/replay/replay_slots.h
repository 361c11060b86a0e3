/* The slots of live blocks: mallow-replay finds a block by its slot's number. */
#ifndef MALLOW_REPLAY_SLOTS_H
#define MALLOW_REPLAY_SLOTS_H

#include <stdint.h>

#include "common/index_map.h"

struct replay_slot {
    uint64_t size;  /* of the block */
    uint64_t done;  /* the calls of the list when the slot was used last */
    uint32_t list;  /* that used it last */
    uint32_t epoch; /* in which it did */
    uint32_t next;  /* the number of the next free slot + 1, or 0 */
};

struct replay_slots {
    struct index_map ids; /* the number + 1 of each address */
    uint32_t *by_id;      /* the slot + 1 of the block at that address, or 0 */
    uint32_t id_count;
    struct replay_slot *slots;
    uint32_t count;
    uint32_t *free_of_list; /* the first free slot + 1: a list uses its own slots again */
    uint32_t lists;
    uint32_t free_of_none; /* those of lists that have ended */
};

/* Returns the place of the slot's number + 1 of the live block at the address, or of 0. It is valid
 * until the next call. */
uint32_t *replay_slots_at(struct replay_slots *slots, uint64_t address);

/* Returns a free slot for the list. Ends the command if there are too many. */
uint32_t replay_slots_take(struct replay_slots *slots, uint32_t list);

/* Frees the slot for the list. */
void replay_slots_give(struct replay_slots *slots, uint32_t list, uint32_t slot);

/* Frees the list's slots for all lists: it has ended. */
void replay_slots_end_list(struct replay_slots *slots, uint32_t list);

void replay_slots_free(struct replay_slots *slots);

#endif
