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

static void heap_map_add_range(struct text *t, const char *what, uintptr_t start, uintptr_t end) {
    if (start == end) return;
    text_add(t, what);
    text_add(t, " ");
    text_add_hex(t, start);
    text_add(t, " ");
    text_add_hex(t, end);
    text_add(t, "\n");
}

static void heap_map_add_part(struct text *t, const char *what, const struct part *part) {
    uintptr_t start = (uintptr_t)part->start;
    heap_map_add_range(t, what, start, start + racy_load(size_t, &part->accessible));
}

static void heap_map_add_mapping(void *to, const struct mapping *mapping) {
    uintptr_t start = (uintptr_t)mapping->start;
    heap_map_add_range(to, "block", start, start + mapping->bytes);
}

static void heap_map_add_profile(void *to, const void *start, size_t bytes) {
    heap_map_add_range(to, "profile", (uintptr_t)start, (uintptr_t)start + bytes);
}

static void heap_map_add_stacks(void *to, const void *start, size_t bytes) {
    heap_map_add_range(to, "stacks", (uintptr_t)start, (uintptr_t)start + bytes);
}

RARE void heap_map_add_ranges(struct text *t) {
    uintptr_t start, end;
    heap_map_add_part(t, "heap", &space.block_part);
    heap_map_add_part(t, "metadata", &space.granule_part);
    heap_map_add_part(t, "metadata", &space.meta_part);
    for (unsigned part = 0; part < GUARD_PARTS; part++)
        if (guard_range_bounds((enum guard_part)part, &start, &end))
            heap_map_add_range(t, part == GUARD_PAGES ? "guarded" : "metadata", start, end);
    for (struct heap *heap = heap_first(); heap != NULL; heap = heap->next) {
        start = (uintptr_t)racy_load(struct stack_cache *, &heap->stacks);
        if (start != 0)
            heap_map_add_range(t, "metadata", start,
                               start + round_up(stack_cache_bytes(), os_page_size()));
    }
    profile_memory_each(heap_map_add_profile, t);
    call_tree_each_range(heap_map_add_stacks, t);
    mapping_each(heap_map_add_mapping, t);
}

/* ---- pages ---- */

#define SLICE_PAGES ((size_t)64 * GRANULE_PAGES)

/* The slice of the heap that is described while the lock is held. Static, because the control
 * thread has a small stack. */
static UNTOUCHED char heap_map_slice[SLICE_PAGES];

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

static struct heap_map_granule heap_map_of_slab(const struct slab *part) {
    struct heap_map_granule pages = {0, 0};
    const struct slab *head = slab_head((struct slab *)part);
    const char *start = granule_start(slab_granule(part));
    size_t before = (size_t)(part->state - head->state),
           lead = (size_t)(start - slab_slot_zero(part));
    for (size_t slot = 0; before + slot < head->slots; slot++) {
        size_t from = slot * part->slot_size, to = from + part->slot_size;
        uint8_t state = slot_state_get(&part->state[slot]);
        if (to <= lead || state == SLOT_NONE) continue;
        if (from >= lead + GRANULE) break;
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
static void heap_map_describe_granule(size_t granule, size_t from, size_t to, char *letters) {
    const struct slab *slab = slab_of(granule);
    struct heap_map_granule pages = {0, 0};
    if (slab->kind == GRANULE_SLAB) pages = heap_map_of_slab(slab);
    if (slab->kind == GRANULE_SHARED) pages = heap_map_of_shared(slab);
    for (size_t page = from; page < to; page++) {
        bool live = pages.live >> page & 1, other = pages.other >> page & 1;
        *letters++ = "eefp"[2 * live + other];
    }
}

static char heap_map_letter(uint64_t tag) {
    switch (tag_kind(tag)) {
    case RUN_BLOCK:
        return 'b';
    case RUN_FOREIGN:
        return 'x';
    case RUN_LATER:
        return 'd';
    case RUN_FREE:
        return tag_dirty(tag) ? 'd' : 'c';
    default:
        return 'c';
    }
}

/* Describes the part of a run. `first`: the first page of the slice. */
static void heap_map_describe_part(void *first, const struct heap_walk_part *part) {
    char *letters = heap_map_slice + (part->page - *(const size_t *)first);
    if (tag_kind(part->tag) != RUN_SLAB) {
        memset(letters, heap_map_letter(part->tag), part->end - part->page);
        return;
    }
    for (size_t page = part->page, to; page < part->end; letters += to - page, page = to) {
        size_t granule = page / GRANULE_PAGES, start = granule * GRANULE_PAGES;
        to = min_size(start + GRANULE_PAGES, part->end);
        heap_map_describe_granule(granule, page - start, to - start, letters);
    }
}

/* Describes the pages [first, end) of the heap. `run`: see heap_walk. */
static void heap_map_describe_slice(size_t first, size_t end, size_t *run) {
    memset(heap_map_slice, '?', end - first);
    heap_walk(first, end, run, heap_map_describe_part, &first);
}

/* Adds a letter, and how often it follows if that is more than once. */
static void heap_map_add_letters(struct text *t, char letter, uint64_t count) {
    if (count == 0) return;
    text_add_bytes(t, &letter, 1);
    if (count > 1) text_add_number(t, count);
}

RARE void heap_map_add_pages(struct text *t) {
    size_t end = pages_count().top, run = GRANULE_PAGES;
    char letter = 0;
    uint64_t count = 0;
    text_add(t, "pages ");
    text_add_hex(t, (uintptr_t)page_start(GRANULE_PAGES));
    text_add(t, " ");
    text_add_number(t, RUN_PAGE);
    text_add(t, " ");
    for (size_t page = GRANULE_PAGES, next; page < end; page = next) {
        next = min_size(page + SLICE_PAGES, end);
        heap_map_describe_slice(page, next, &run);
        for (size_t i = 0; i < next - page; i++) {
            if (heap_map_slice[i] != letter) {
                heap_map_add_letters(t, letter, count);
                letter = heap_map_slice[i];
                count = 0;
            }
            count++;
        }
    }
    heap_map_add_letters(t, letter, count);
    text_add(t, "\n");
}
