/* The set of live blocks of all processes: a hash table. */
#ifndef MALLOW_TRACE_LIVE_SET_H
#define MALLOW_TRACE_LIVE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mallow/trace.h"

/* Initialized to zero. */
struct trace_live {
    struct mallow_trace_block *blocks; /* with event TRACE_NO_EVENT: unused */
    size_t count, room;                /* the room is 0 or a power of two */
    uint64_t bytes;
};

#define TRACE_NO_EVENT UINT64_MAX

/* Returns the block at the address, or NULL. It is valid until the set changes. */
struct mallow_trace_block *trace_live_find(const struct trace_live *live, uint32_t process,
                                           uint64_t address);

/* Loads the place of the block at the address into the cache. The set is often much larger than the
 * cache, so a search that comes soon afterwards takes half the time. */
void trace_live_prefetch(const struct trace_live *live, uint32_t process, uint64_t address);

/* Does so for the blocks that the event concerns. */
static inline void trace_live_prefetch_event(const struct trace_live *live,
                                             const struct mallow_trace_event *event) {
    if (event->address != 0) trace_live_prefetch(live, event->process, event->address);
    if (event->old_address != 0 && event->old_address != event->address)
        trace_live_prefetch(live, event->process, event->old_address);
}

/* Adds a block, which replaces one with the same address. Returns false if there is no memory. */
bool trace_live_add(struct trace_live *live, const struct mallow_trace_block *block);

void trace_live_remove(struct trace_live *live, struct mallow_trace_block *block);

/* Applies the event with that number. `old` is the block at old_address, or NULL: none. Returns
 * false if there is no memory. */
bool trace_live_apply(struct trace_live *live, const struct mallow_trace_event *event,
                      uint64_t number, struct mallow_trace_block *old);

/* Returns the block that the event frees or resizes, or NULL. */
static inline struct mallow_trace_block *trace_live_old(const struct trace_live *live,
                                                        const struct mallow_trace_event *event) {
    bool has_old = mallow_trace_is_free(event->kind) || mallow_trace_is_resize(event->kind);
    if (!has_old || event->old_address == 0) return NULL;
    return trace_live_find(live, event->process, event->old_address);
}

/* Removes all blocks, and frees the memory. */
void trace_live_clear(struct trace_live *live);

#endif
