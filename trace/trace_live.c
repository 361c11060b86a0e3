#include "trace_live.h"

#include <stdlib.h>
#include <sys/mman.h>

#define LIVE_ROOM_MIN 1024u
#define LIVE_HUGE_PAGE ((size_t)2 << 20)

static size_t live_home(const struct trace_live *live, uint32_t process, uint64_t address) {
    uint64_t hash = (address >> 3 ^ (uint64_t)process << 48) * 0x9e3779b97f4a7c15u;
    return (size_t)(hash >> (64 - (unsigned)__builtin_ctzll(live->room)));
}

static bool live_is_used(const struct mallow_trace_block *block) {
    return block->event != TRACE_NO_EVENT;
}

/* Returns the block at the address, or the unused place for it. */
static struct mallow_trace_block *live_place(const struct trace_live *live, uint32_t process,
                                             uint64_t address) {
    size_t index = live_home(live, process, address);
    for (;; index = (index + 1) & (live->room - 1)) {
        struct mallow_trace_block *block = &live->blocks[index];
        if (!live_is_used(block) || (block->address == address && block->process == process))
            return block;
    }
}

struct mallow_trace_block *trace_live_find(const struct trace_live *live, uint32_t process,
                                           uint64_t address) {
    if (live->room == 0) return NULL;
    struct mallow_trace_block *block = live_place(live, process, address);
    return live_is_used(block) ? block : NULL;
}

void trace_live_prefetch(const struct trace_live *live, uint32_t process, uint64_t address) {
    if (live->room == 0) return;
    const struct mallow_trace_block *block = &live->blocks[live_home(live, process, address)];
    __builtin_prefetch(block, 1);
    __builtin_prefetch((const char *)(block + 1) - 1, 1); /* a block can be in two cache lines */
}

/* Blocks lie in random order, so most accesses miss the TLB unless the pages are huge. */
static struct mallow_trace_block *live_allocate_table(size_t room) {
    size_t bytes = room * sizeof(struct mallow_trace_block);
    if (bytes < LIVE_HUGE_PAGE) return malloc(bytes);
    bytes = (bytes + LIVE_HUGE_PAGE - 1) / LIVE_HUGE_PAGE * LIVE_HUGE_PAGE;
    void *table = aligned_alloc(LIVE_HUGE_PAGE, bytes);
    if (table != NULL) madvise(table, bytes, MADV_HUGEPAGE);
    return table;
}

static bool live_grow(struct trace_live *live) {
    struct trace_live larger = {.room = live->room == 0 ? LIVE_ROOM_MIN : live->room * 2};
    if (larger.room > SIZE_MAX / 2 / sizeof *live->blocks) return false;
    larger.blocks = live_allocate_table(larger.room);
    if (larger.blocks == NULL) return false;
    for (size_t i = 0; i < larger.room; i++) larger.blocks[i].event = TRACE_NO_EVENT;
    for (size_t i = 0; i < live->room; i++) {
        const struct mallow_trace_block *block = &live->blocks[i];
        if (live_is_used(block)) *live_place(&larger, block->process, block->address) = *block;
    }
    free(live->blocks);
    live->blocks = larger.blocks;
    live->room = larger.room;
    return true;
}

bool trace_live_add(struct trace_live *live, const struct mallow_trace_block *block) {
    if (live->count >= live->room / 8 * 5 && !live_grow(live)) return false;
    struct mallow_trace_block *place = live_place(live, block->process, block->address);
    if (live_is_used(place))
        live->bytes -= place->size;
    else
        live->count++;
    live->bytes += block->size;
    *place = *block;
    return true;
}

/* Moves the blocks that were displaced by the removed one closer to their homes. */
void trace_live_remove(struct trace_live *live, struct mallow_trace_block *block) {
    size_t mask = live->room - 1, hole = (size_t)(block - live->blocks), index = hole;
    live->count--;
    live->bytes -= block->size;
    for (;;) {
        index = (index + 1) & mask;
        const struct mallow_trace_block *next = &live->blocks[index];
        if (!live_is_used(next)) break;
        size_t home = live_home(live, next->process, next->address);
        if (((index - home) & mask) < ((index - hole) & mask)) continue;
        live->blocks[hole] = *next;
        hole = index;
    }
    live->blocks[hole].event = TRACE_NO_EVENT;
}

/* Gives the forked process a copy of each block of its parent. */
static bool live_fork(struct trace_live *live, uint32_t parent, uint32_t child) {
    struct trace_live copies = {.count = 0};
    bool done = true;
    for (size_t i = 0; i < live->room && done; i++) {
        struct mallow_trace_block block = live->blocks[i];
        if (!live_is_used(&block) || block.process != parent) continue;
        block.process = child;
        done = trace_live_add(&copies, &block);
    }
    for (size_t i = 0; i < copies.room && done; i++)
        if (live_is_used(&copies.blocks[i])) done = trace_live_add(live, &copies.blocks[i]);
    trace_live_clear(&copies);
    return done;
}

/* Removes the blocks of a process. A removal can move another block to its place. */
static void live_end(struct trace_live *live, uint32_t process) {
    for (size_t i = 0; i < live->room; i++)
        while (live_is_used(&live->blocks[i]) && live->blocks[i].process == process)
            trace_live_remove(live, &live->blocks[i]);
}

static bool live_allocate(struct trace_live *live, const struct mallow_trace_event *event,
                          uint64_t number) {
    return trace_live_add(live, &(struct mallow_trace_block){
                                    .address = event->address,
                                    .size = mallow_trace_bytes(event),
                                    .time = event->time,
                                    .event = number,
                                    .thread = event->thread,
                                    .process = event->process,
                                    .stack = event->stack,
                                    .kind = event->kind,
                                });
}

bool trace_live_apply(struct trace_live *live, const struct mallow_trace_event *event,
                      uint64_t number, struct mallow_trace_block *old) {
    if (mallow_trace_is_free(event->kind)) {
        if (old != NULL) trace_live_remove(live, old);
        return true;
    }
    if (mallow_trace_is_allocation(event->kind)) {
        /* A resize to no bytes returns NULL and frees the block; a failure keeps it. */
        bool frees = event->address != 0 || mallow_trace_bytes(event) == 0;
        if (old != NULL && frees) trace_live_remove(live, old);
        return event->address == 0 || live_allocate(live, event, number);
    }
    if (event->kind == MALLOW_TRACE_FORK)
        return live_fork(live, event->process, (uint32_t)event->count);
    if (event->kind == MALLOW_TRACE_EXEC || event->kind == MALLOW_TRACE_EXIT)
        live_end(live, event->process);
    return true;
}

void trace_live_clear(struct trace_live *live) {
    free(live->blocks);
    *live = (struct trace_live){.count = 0};
}
