#include "replay/replay_slots.h"

#include <err.h>
#include <stdlib.h>

#include "common/command.h"
#include "common/xalloc.h"
#include "replay/replay_layout.h"

uint32_t *replay_slots_at(struct replay_slots *slots, uint64_t address) {
    uint32_t *id = index_map_add(&slots->ids, address);
    if (*id == 0) {
        slots->by_id = xgrow(slots->by_id, slots->id_count, sizeof *slots->by_id);
        slots->by_id[slots->id_count] = 0;
        *id = ++slots->id_count;
    }
    return &slots->by_id[*id - 1];
}

static uint32_t *replay_slots_free_list(struct replay_slots *slots, uint32_t list) {
    while (slots->lists <= list) {
        slots->free_of_list = xgrow(slots->free_of_list, slots->lists, sizeof *slots->free_of_list);
        slots->free_of_list[slots->lists++] = 0;
    }
    return &slots->free_of_list[list];
}

uint32_t replay_slots_take(struct replay_slots *slots, uint32_t list) {
    uint32_t *first = replay_slots_free_list(slots, list);
    if (*first == 0) first = &slots->free_of_none;
    if (*first != 0) {
        uint32_t slot = *first - 1;
        *first = slots->slots[slot].next;
        return slot;
    }
    if (slots->count > REPLAY_SLOT_MAX)
        errx(EXIT_OWN_FAILURE,
             "the trace has more than %u live blocks at a time, which is too many",
             REPLAY_SLOT_MAX);
    slots->slots = xgrow(slots->slots, slots->count, sizeof *slots->slots);
    slots->slots[slots->count] = (struct replay_slot){.list = list};
    return slots->count++;
}

void replay_slots_give(struct replay_slots *slots, uint32_t list, uint32_t slot) {
    uint32_t *first = replay_slots_free_list(slots, list);
    slots->slots[slot].next = *first;
    *first = slot + 1;
}

void replay_slots_end_list(struct replay_slots *slots, uint32_t list) {
    uint32_t *first = replay_slots_free_list(slots, list), *end = &slots->free_of_none;
    uint32_t rest = *end;
    *end = *first;
    while (*end != 0) end = &slots->slots[*end - 1].next;
    *end = rest;
    *first = 0;
}

void replay_slots_free(struct replay_slots *slots) {
    index_map_clear(&slots->ids);
    free(slots->by_id);
    free(slots->slots);
    free(slots->free_of_list);
}
