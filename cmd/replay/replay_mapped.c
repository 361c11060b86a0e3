#include "replay/replay_mapped.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/xalloc.h"

static void replay_mapped_insert(struct replay_mapped *mapped, size_t at,
                                 struct replay_range range) {
    mapped->ranges = xgrow(mapped->ranges, mapped->count, sizeof *mapped->ranges);
    memmove(mapped->ranges + at + 1, mapped->ranges + at,
            (mapped->count - at) * sizeof *mapped->ranges);
    mapped->ranges[at] = range;
    mapped->count++;
}

/* Returns the first range that ends after the address. */
static size_t replay_mapped_find(const struct replay_mapped *mapped, uint64_t address) {
    size_t low = 0, high = mapped->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (mapped->ranges[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Splits the range that contains the address, so that none does. */
static size_t replay_mapped_split(struct replay_mapped *mapped, uint64_t address) {
    size_t at = replay_mapped_find(mapped, address);
    if (at == mapped->count || mapped->ranges[at].start >= address) return at;
    struct replay_range upper = mapped->ranges[at];
    upper.start = address;
    mapped->ranges[at].end = address;
    replay_mapped_insert(mapped, at + 1, upper);
    return at + 1;
}

static void replay_mapped_count(struct replay_mapped *mapped, size_t at, bool is_used) {
    struct replay_range *range = &mapped->ranges[at];
    uint64_t bytes = range->end - range->start;
    if (range->is_used) mapped->bytes -= bytes;
    if (is_used) mapped->bytes += bytes;
    range->is_used = is_used;
}

/* Changes the mappings between the addresses. */
static void replay_mapped_protect(struct replay_mapped *mapped, uint64_t start, uint64_t end,
                                  bool is_used) {
    size_t first = replay_mapped_split(mapped, start), last = replay_mapped_split(mapped, end);
    for (size_t i = first; i < last; i++) replay_mapped_count(mapped, i, is_used);
}

static void replay_mapped_remove(struct replay_mapped *mapped, uint64_t start, uint64_t end) {
    size_t first = replay_mapped_split(mapped, start), last = replay_mapped_split(mapped, end);
    for (size_t i = first; i < last; i++) replay_mapped_count(mapped, i, false);
    if (first == last) return;
    memmove(mapped->ranges + first, mapped->ranges + last,
            (mapped->count - last) * sizeof *mapped->ranges);
    mapped->count -= last - first;
}

static void replay_mapped_add(struct replay_mapped *mapped, uint64_t start, uint64_t end,
                              bool is_used) {
    if (end <= start) return;
    replay_mapped_remove(mapped, start, end);
    size_t at = replay_mapped_find(mapped, start);
    replay_mapped_insert(mapped, at, (struct replay_range){.start = start, .end = end});
    replay_mapped_count(mapped, at, is_used);
}

static void replay_mapped_move(struct replay_mapped *mapped,
                               const struct mallow_trace_event *event) {
    uint64_t old = event->old_address;
    size_t at = replay_mapped_find(mapped, old);
    bool is_known = at < mapped->count && mapped->ranges[at].start <= old;
    bool is_used = is_known && mapped->ranges[at].is_used;
    replay_mapped_remove(mapped, old, old + event->count);
    if (is_known) replay_mapped_add(mapped, event->address, event->address + event->size, is_used);
}

static void replay_mapped_move_brk(struct replay_mapped *mapped, uint64_t end) {
    if (mapped->brk_first == 0) mapped->brk_first = end;
    mapped->brk = end > mapped->brk_first ? end - mapped->brk_first : 0;
}

void replay_mapped_follow(struct replay_mapped *mapped, const struct mallow_trace_event *event) {
    uint64_t start = event->address, end = start + event->size;
    if (event->error != 0 || end < start) return;
    switch (event->kind) {
    case MALLOW_TRACE_MMAP:
        replay_mapped_remove(mapped, start, end);
        if ((event->flags & MAP_ANONYMOUS) != 0 && (event->flags & MAP_PRIVATE) != 0)
            replay_mapped_add(mapped, start, end, (event->protection & PROT_WRITE) != 0);
        break;
    case MALLOW_TRACE_MUNMAP:
        replay_mapped_remove(mapped, start, end);
        break;
    case MALLOW_TRACE_MREMAP:
        replay_mapped_move(mapped, event);
        break;
    case MALLOW_TRACE_MPROTECT:
        /* Pages that were written stay resident when they lose the permission to write. */
        if ((event->protection & PROT_WRITE) != 0) replay_mapped_protect(mapped, start, end, true);
        break;
    case MALLOW_TRACE_MADVISE:
        if (event->flags == MADV_DONTNEED || event->flags == MADV_FREE)
            replay_mapped_protect(mapped, start, end, false);
        break;
    case MALLOW_TRACE_BRK:
        replay_mapped_move_brk(mapped, event->address);
        break;
    }
}

uint64_t replay_mapped_bytes(const struct replay_mapped *mapped) {
    return mapped->bytes + mapped->brk;
}

void replay_mapped_free(struct replay_mapped *mapped) { free(mapped->ranges); }
