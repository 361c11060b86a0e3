#include "process/heap_map.h"

#include <string.h>

#include "base/atomics.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "guard/guard_range.h"
#include "heap/heap_owner.h"
#include "heap/shared.h"
#include "heap/slab.h"
#include "os/os.h"
#include "pages/mapping.h"
#include "pages/pages.h"
#include "process/heap_walk.h"
#include "profile/profile_memory.h"
#include "stack/call_tree.h"
#include "stack/stack.h"

/* ---- ranges ---- */

struct heap_map_ranges {
    void (*call)(void *to, enum mallow_profile_range_use use, uintptr_t start, uintptr_t end);
    void *to;
};

static void heap_map_pass(const struct heap_map_ranges *ranges, enum mallow_profile_range_use use,
                          const void *start, size_t bytes) {
    if (bytes != 0) ranges->call(ranges->to, use, (uintptr_t)start, (uintptr_t)start + bytes);
}

static void heap_map_pass_part(const struct heap_map_ranges *ranges,
                               enum mallow_profile_range_use use, const struct part *part) {
    heap_map_pass(ranges, use, part->start, racy_load(size_t, &part->accessible));
}

static void heap_map_pass_mapping(void *ranges, const struct mapping *mapping) {
    heap_map_pass(ranges, MALLOW_PROFILE_RANGE_BLOCK, mapping->start, mapping->bytes);
}

static void heap_map_pass_profile(void *ranges, const void *start, size_t bytes) {
    heap_map_pass(ranges, MALLOW_PROFILE_RANGE_PROFILE, start, bytes);
}

static void heap_map_pass_stacks(void *ranges, const void *start, size_t bytes) {
    heap_map_pass(ranges, MALLOW_PROFILE_RANGE_STACKS, start, bytes);
}

RARE void heap_map_each_range(void (*call)(void *to, enum mallow_profile_range_use use,
                                           uintptr_t start, uintptr_t end),
                              void *to) {
    struct heap_map_ranges ranges = {call, to};
    uintptr_t start, end;
    heap_map_pass_part(&ranges, MALLOW_PROFILE_RANGE_HEAP, &space.block_part);
    heap_map_pass_part(&ranges, MALLOW_PROFILE_RANGE_METADATA, &space.slab_part);
    heap_map_pass_part(&ranges, MALLOW_PROFILE_RANGE_METADATA, &space.run_part);
    heap_map_pass_part(&ranges, MALLOW_PROFILE_RANGE_METADATA, &space.meta_part);
    for (unsigned part = 0; part < GUARD_PARTS; part++)
        if (guard_range_bounds((enum guard_part)part, &start, &end))
            heap_map_pass(&ranges,
                          part == GUARD_PAGES ? MALLOW_PROFILE_RANGE_GUARDED
                                              : MALLOW_PROFILE_RANGE_METADATA,
                          (const void *)start, end - start);
    for (struct heap *heap = heap_first(); heap != NULL; heap = heap->next) {
        const void *stacks = racy_load(struct stack_cache *, &heap->stacks);
        if (stacks != NULL)
            heap_map_pass(&ranges, MALLOW_PROFILE_RANGE_METADATA, stacks,
                          round_up(stack_cache_bytes(), os_page_size()));
    }
    profile_memory_each(heap_map_pass_profile, &ranges);
    call_tree_each_range(heap_map_pass_stacks, &ranges);
    mapping_each(heap_map_pass_mapping, &ranges);
}

static void heap_map_add_range(void *to, enum mallow_profile_range_use use, uintptr_t start,
                               uintptr_t end) {
    static const char names[][10] = {
        [MALLOW_PROFILE_RANGE_HEAP] = "heap",       [MALLOW_PROFILE_RANGE_METADATA] = "metadata",
        [MALLOW_PROFILE_RANGE_GUARDED] = "guarded", [MALLOW_PROFILE_RANGE_PROFILE] = "profile",
        [MALLOW_PROFILE_RANGE_STACKS] = "stacks",   [MALLOW_PROFILE_RANGE_BLOCK] = "block"};
    text_add(to, names[use]);
    text_add(to, " ");
    text_add_hex(to, start);
    text_add(to, " ");
    text_add_hex(to, end);
    text_add(to, "\n");
}

RARE void heap_map_add_ranges(struct text *t) { heap_map_each_range(heap_map_add_range, t); }

/* ---- pages ---- */

/* Which pages of a granule contain parts of live slots, and of other slots. */
struct heap_map_granule {
    uint32_t live, other;
};

/* The states of live blocks have bit 0 and neither bit 1 nor bit 2 (enum slot_state). */
static bool heap_map_is_live(uint8_t state) { return (state & 7) == SLOT_USED; }

/* Adds the slot [from, to) of the granule, in bytes. */
static void heap_map_add_slot(struct heap_map_granule *pages, size_t from, size_t to,
                              uint8_t state) {
    size_t first = from / RUN_PAGE, last = (min_size(to, GRANULE) - 1) / RUN_PAGE;
    uint32_t mask = (uint32_t)((2ull << last) - (1ull << first));
    *(heap_map_is_live(state) ? &pages->live : &pages->other) |= mask;
}

/* Returns 8 if the states from here on are those of eight slots and the same, otherwise 1. */
static size_t heap_map_count_same(const _Atomic uint8_t *state) {
    if ((uintptr_t)state % 8 != 0) return 1;
    uint64_t word = slab_load_states(state, 0);
    return word == (word & 0xff) * 0x0101010101010101ull ? 8 : 1;
}

/* Describes the pages [first, end) of the granule. */
static struct heap_map_granule heap_map_of_slab(const struct slab *part, size_t first, size_t end) {
    struct heap_map_granule pages = {0, 0};
    const struct slab *head = slab_head((struct slab *)part);
    const char *start = granule_start(slab_granule(part));
    size_t before = (size_t)(part->state - head->state),
           lead = (size_t)(start - slab_slot_zero(part));
    size_t slot = (lead + first * RUN_PAGE) / part->slot_size, count;
    for (; before + slot < head->slots; slot += count) {
        count = heap_map_count_same(part->state + slot);
        size_t from = slot * part->slot_size, to = from + count * part->slot_size;
        uint8_t state = slot_state_get(&part->state[slot]);
        if (to <= lead || state == SLOT_NONE) continue;
        if (from >= lead + end * RUN_PAGE) break;
        heap_map_add_slot(&pages, from > lead ? from - lead : 0, to - lead, state);
    }
    return pages;
}

static struct heap_map_granule heap_map_of_shared(const struct slab *granule) {
    struct heap_map_granule pages = {0, 0};
    for (uint32_t unit = 0; unit < GRANULE / UNIT; unit++) {
        /* Acquire: its class was written before its state. */
        uint8_t state = atomic_load_explicit(&granule->state[unit], memory_order_acquire);
        size_t bytes = UNIT, from = (size_t)unit * UNIT;
        if (state >= SHARED_CLASS_MARK && state < SLOT_FREE) continue;
        if (state != SLOT_FRESH) bytes = size_class_bytes(shared_class(granule, unit));
        heap_map_add_slot(&pages, from, from + bytes, state);
        unit += (uint32_t)(bytes / UNIT) - 1;
    }
    return pages;
}

/* Describes the pages [from, to) of the granule, which belongs to a slab. */
static void heap_map_describe_granule(size_t granule, size_t from, size_t to, uint8_t *uses) {
    static const uint8_t use_of[] = {MALLOW_PROFILE_PAGE_EMPTY, MALLOW_PROFILE_PAGE_EMPTY,
                                     MALLOW_PROFILE_PAGE_FULL, MALLOW_PROFILE_PAGE_PARTIAL};
    const struct slab *slab = slab_of(granule);
    struct heap_map_granule pages = {0, 0};
    if (slab->kind == GRANULE_SLAB) pages = heap_map_of_slab(slab, from, to);
    if (slab->kind == GRANULE_SHARED) pages = heap_map_of_shared(slab);
    for (size_t page = from; page < to; page++) {
        bool live = pages.live >> page & 1, other = pages.other >> page & 1;
        *uses++ = use_of[2 * live + other];
    }
}

static enum mallow_profile_page_use heap_map_use(uint64_t tag) {
    switch (tag_kind(tag)) {
    case RUN_BLOCK:
        return MALLOW_PROFILE_PAGE_BLOCK;
    case RUN_FOREIGN:
        return MALLOW_PROFILE_PAGE_FOREIGN;
    case RUN_LATER:
        return MALLOW_PROFILE_PAGE_DIRTY;
    case RUN_FREE:
        return tag_dirty(tag) ? MALLOW_PROFILE_PAGE_DIRTY : MALLOW_PROFILE_PAGE_CLEAN;
    default:
        return MALLOW_PROFILE_PAGE_CLEAN;
    }
}

struct heap_map_part {
    struct heap_map_slice *slice;
    size_t first; /* page of the slice */
};

/* Describes the part of a run. */
static void heap_map_describe_part(void *with, const struct heap_walk_part *part) {
    const struct heap_map_part *of = with;
    uint8_t *uses = of->slice->use + (part->page - of->first);
    if (tag_kind(part->tag) != RUN_SLAB) {
        memset(uses, (int)heap_map_use(part->tag), part->end - part->page);
        return;
    }
    for (size_t page = part->page, to; page < part->end; uses += to - page, page = to) {
        size_t granule = page / GRANULE_PAGES, start = granule * GRANULE_PAGES;
        to = min_size(start + GRANULE_PAGES, part->end);
        heap_map_describe_granule(granule, page - start, to - start, uses);
    }
}

/* Describes the pages [first, end) of the heap. `run`: see heap_walk. */
static void heap_map_describe_slice(struct heap_map_slice *slice, size_t first, size_t end,
                                    size_t *run) {
    memset(slice->use, MALLOW_PROFILE_PAGE_UNKNOWN, end - first);
    heap_walk(first, end, run, heap_map_describe_part, &(struct heap_map_part){slice, first});
}

/* ---- runs of pages ---- */

/* Neighbours with the same use. */
struct heap_map_run {
    uint8_t use;
    size_t first, pages;
    void (*call)(void *to, enum mallow_profile_page_use use, uintptr_t start, size_t pages);
    void *to;
};

static void heap_map_pass_run(const struct heap_map_run *run) {
    if (run->pages != 0)
        run->call(run->to, (enum mallow_profile_page_use)run->use,
                  (uintptr_t)page_start((uint32_t)run->first), run->pages);
}

static void heap_map_add_page(struct heap_map_run *run, uint8_t use, size_t page, size_t pages) {
    if (run->pages == 0 || use != run->use) {
        heap_map_pass_run(run);
        run->use = use;
        run->first = page;
        run->pages = 0;
    }
    run->pages += pages;
}

static size_t heap_map_distance(size_t pages, size_t most) {
    size_t distance = 1;
    while (pages / distance > most) distance *= 2;
    return distance;
}

RARE void heap_map_each_page(struct heap_map_slice *slice, size_t most,
                             void (*call)(void *to, enum mallow_profile_page_use use,
                                          uintptr_t start, size_t pages),
                             void *to) {
    size_t end = pages_count().top, walked = GRANULE_PAGES;
    size_t distance = heap_map_distance(end - GRANULE_PAGES, most),
           step = distance == 1 ? sizeof slice->use : distance;
    struct heap_map_run run = {.call = call, .to = to};
    for (size_t page = GRANULE_PAGES, next; page < end; page = next) {
        next = min_size(page + step, end);
        size_t seen = distance == 1 ? next - page : 1;
        heap_map_describe_slice(slice, page, page + seen, &walked);
        for (size_t i = 0; i < seen; i++)
            heap_map_add_page(&run, slice->use[i], page + i, distance == 1 ? 1 : next - page);
    }
    heap_map_pass_run(&run);
}

/* ---- letters ---- */

static void heap_map_add_letters(void *to, enum mallow_profile_page_use use, uintptr_t start,
                                 size_t pages) {
    static const char letters[] = {
        [MALLOW_PROFILE_PAGE_BLOCK] = 'b',   [MALLOW_PROFILE_PAGE_FULL] = 'f',
        [MALLOW_PROFILE_PAGE_PARTIAL] = 'p', [MALLOW_PROFILE_PAGE_EMPTY] = 'e',
        [MALLOW_PROFILE_PAGE_DIRTY] = 'd',   [MALLOW_PROFILE_PAGE_CLEAN] = 'c',
        [MALLOW_PROFILE_PAGE_FOREIGN] = 'x', [MALLOW_PROFILE_PAGE_UNKNOWN] = '?'};
    (void)start;
    text_add_bytes(to, &letters[use], 1);
    if (pages > 1) text_add_number(to, pages);
}

RARE void heap_map_add_pages(struct text *t) {
    static UNTOUCHED struct heap_map_slice slice;
    text_add(t, "pages ");
    text_add_hex(t, (uintptr_t)page_start(GRANULE_PAGES));
    text_add(t, " ");
    text_add_number(t, RUN_PAGE);
    text_add(t, " ");
    heap_map_each_page(&slice, SIZE_MAX, heap_map_add_letters, t);
    text_add(t, "\n");
}
