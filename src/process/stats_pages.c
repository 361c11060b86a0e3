/*
 * Divides the resident pages of the heap by their content. For a page of a slab, the first of these
 * that is true counts:
 *
 *   - It holds a live block. The rest of the page is then pinned, apart from slots in magazines and
 *     quarantines.
 *   - It holds a slot of a magazine or quarantine, which takes the whole page.
 *   - It holds free slots only, and can be trimmed.
 *   - Nothing in it was ever used. The kernel has given it memory because it is part of a huge
 * page.
 *
 * The kernel is asked without the lock, so a page may have come or gone when its states are read.
 */
#include "process/stats_pages.h"

#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "guard/guard_range.h"
#include "heap/shared.h"
#include "heap/slab.h"
#include "os/os.h"
#include "os/os_process.h"
#include "pages/mapping_table.h"
#include "pages/pages.h"
#include "process/heap_walk.h"

#define STATS_PAGES_SLICE_BYTES ((size_t)64 * GRANULE)
#define ONES 0x0101010101010101ull
#define STATS_PAGES_SLICE (STATS_PAGES_SLICE_BYTES / RUN_PAGE)

/* A slice of the heap, or of other memory of the allocator. */
struct stats_pages_slice {
    struct mallow_stats *stats;
    size_t page;                               /* the number of the first page, in pages of 4 KiB */
    size_t run;                                /* that of the run which began last */
    unsigned char resident[STATS_PAGES_SLICE]; /* for each page of the kernel */
};

/* ---- states ---- */

/* Bytes of a page by what is in them. The rest of the page was never used. */
struct stats_pages_tally {
    size_t live, cached, held, freed;
};

static inline size_t stats_pages_sum_bytes(uint64_t ones) { return (size_t)(ones * ONES >> 56); }

/* Adds the slots of a word of eight states (enum slot_state), each of which counts as `size` bytes.
 * The states of live blocks have bit 0 and not bit 2. Those of slots that wait in a
 * magazine or quarantine have bit 1, and those of quarantines bit 3, too. */
static inline void stats_pages_tally_word(struct stats_pages_tally *tally, uint64_t word,
                                          size_t size) {
    uint64_t bit0 = word & ONES, bit1 = word >> 1 & ONES, bit2 = word >> 2 & ONES;
    uint64_t held = bit1 & word >> 3;
    tally->live += stats_pages_sum_bytes(bit0 & ~bit2) * size;
    tally->held += stats_pages_sum_bytes(held) * size;
    tally->cached += stats_pages_sum_bytes(bit1 & ~held) * size;
    tally->freed += stats_pages_sum_bytes(((word >> 7 & ONES) | (bit2 & ~bit0)) & ~bit1) * size;
}
_Static_assert(SLOT_USED == 1 && SLOT_CHECKED == 9 && SLOT_SAMPLED == 0x11 && SLOT_CACHED == 0x82 &&
                   SLOT_CACHED_FRESH == 2 && SLOT_HELD == 0x8a && SLOT_HELD_FRESH == 0xa &&
                   SLOT_CLOSING == 0xe && SLOT_REMOTE == 4 && SLOT_FREE == 0x80 && SLOT_NONE == 5 &&
                   SLOT_FRESH == 0,
               "stats_pages_tally_word tells them apart by these bits");

/* Adds a slot of which `bytes` bytes lie in the page. */
static inline void stats_pages_tally_slot(struct stats_pages_tally *tally, uint8_t state,
                                          size_t bytes) {
    stats_pages_tally_word(tally, state, bytes);
}

/* Adds the slots [from, to), which lie in the page with all their bytes. */
static void stats_pages_tally_slots(struct stats_pages_tally *tally, const _Atomic uint8_t *states,
                                    size_t from, size_t to, size_t size) {
    for (; from < to && (uintptr_t)(states + from) % 8 != 0; from++)
        stats_pages_tally_slot(tally, slot_state_get(&states[from]), size);
    for (; from + 8 <= to; from += 8) {
        uint64_t word = slab_load_states(states, (uint32_t)from);
        if (word == ONES * SLOT_USED)
            tally->live += 8 * size;
        else if (word != 0)
            stats_pages_tally_word(tally, word, size);
    }
    for (; from < to; from++) stats_pages_tally_slot(tally, slot_state_get(&states[from]), size);
}

/* ---- pages ---- */

/* Adds a resident page to the figures. `size_class` is that of all its slots, or 0. */
static void stats_pages_add_page(struct mallow_stats *stats, const struct stats_pages_tally *tally,
                                 unsigned size_class, bool is_trimmable) {
    size_t rest = os_page_size() - tally->live - tally->cached - tally->held;
    struct mallow_class_pages *of_class = &stats->class_pages[size_class];
    stats->resident_live_bytes += tally->live;
    stats->resident_cached_bytes += tally->cached;
    stats->resident_held_bytes += tally->held;
    of_class->resident_live_bytes += tally->live;
    if (tally->live != 0) {
        stats->pinned_bytes += rest;
        of_class->pinned_bytes += rest;
    } else if (tally->cached + tally->held != 0) {
        *(tally->held != 0 ? &stats->resident_held_bytes : &stats->resident_cached_bytes) += rest;
    } else if (tally->freed == 0) {
        stats->surplus_bytes += rest;
    } else if (is_trimmable) {
        stats->trimmable_bytes += rest;
    } else {
        stats->pinned_bytes += rest;
    }
}

/* Returns the number of states of the slab from that of the granule's slot 0 on. */
static size_t stats_pages_states_left(const struct slab *part) {
    const struct slab *head = slab_head((struct slab *)part);
    size_t before = (size_t)(part->state - head->state);
    return head->slots > before ? head->slots - before : 0;
}

/* Counts the page at `start`, in the granule of a slab. */
static void stats_pages_tally_page(struct stats_pages_tally *tally, const struct slab *part,
                                   size_t slots, const char *start) {
    size_t size = part->slot_size, at = (size_t)(start - slab_slot_zero(part));
    size_t end = at + os_page_size(), first = at / size;
    size_t last = min_size((end - 1) / size + 1, slots); /* after the last slot */
    if (first >= last) return;
    if (first * size < at || (first + 1) * size > end) {
        size_t to = min_size((first + 1) * size, end);
        stats_pages_tally_slot(tally, slot_state_get(&part->state[first]), to - at);
        first++;
    }
    if (first < last && last * size > end) {
        last--;
        stats_pages_tally_slot(tally, slot_state_get(&part->state[last]), end - last * size);
    }
    stats_pages_tally_slots(tally, part->state, first, last, size);
}

static void stats_pages_read_slab_pages(struct stats_pages_slice *slice, size_t granule,
                                        const unsigned char *resident) {
    const struct slab *part = slab_of(granule);
    size_t page = os_page_size(), slots = stats_pages_states_left(part);
    char *start = granule_start(granule);
    for (size_t i = 0; i < GRANULE / page; i++) {
        struct stats_pages_tally tally = {0};
        if ((resident[i] & 1) == 0) continue;
        stats_pages_tally_page(&tally, part, slots, start + i * page);
        stats_pages_add_page(slice->stats, &tally, part->size_class, true);
    }
}

/* Adds a slot of a shared granule to the tallies of its pages. */
static void stats_pages_tally_shared(struct stats_pages_tally *tallies, size_t from, size_t bytes,
                                     uint8_t state) {
    size_t page = os_page_size();
    for (size_t to = from + bytes, end; from < to; from = end) {
        end = min_size((from / page + 1) * page, to);
        stats_pages_tally_slot(&tallies[from / page], state, end - from);
    }
}

/* A shared granule is never trimmed, so its free slots count as pinned. */
static void stats_pages_read_shared_pages(struct stats_pages_slice *slice, size_t granule,
                                          const unsigned char *resident) {
    const struct slab *shared = slab_of(granule);
    struct stats_pages_tally tallies[GRANULE_PAGES] = {{0}};
    for (uint32_t unit = 0; unit < GRANULE / UNIT; unit++) {
        /* Acquire: its class was written before its state. */
        uint8_t state = atomic_load_explicit(&shared->state[unit], memory_order_acquire);
        if (state == SLOT_FRESH || (state >= SHARED_CLASS_MARK && state < SLOT_FREE)) continue;
        size_t bytes = size_class_bytes(shared_class(shared, unit));
        stats_pages_tally_shared(tallies, (size_t)unit * UNIT,
                                 min_size(bytes, GRANULE - (size_t)unit * UNIT), state);
    }
    for (size_t i = 0; i < GRANULE / os_page_size(); i++)
        if ((resident[i] & 1) != 0) stats_pages_add_page(slice->stats, &tallies[i], 0, false);
}

/* ---- runs ---- */

static size_t stats_pages_count_resident(const unsigned char *resident, size_t pages) {
    size_t count = 0;
    for (size_t i = 0; i < pages; i++) count += resident[i] & 1;
    return count * os_page_size();
}

static void stats_pages_read_granule(struct stats_pages_slice *slice, size_t granule,
                                     const unsigned char *resident) {
    enum granule_kind kind = slab_of(granule)->kind;
    if (kind == GRANULE_SLAB) stats_pages_read_slab_pages(slice, granule, resident);
    if (kind == GRANULE_SHARED) stats_pages_read_shared_pages(slice, granule, resident);
}

/* Adds the part of a run that lies in the slice. */
static void stats_pages_read_part(void *to, const struct heap_walk_part *part) {
    struct stats_pages_slice *slice = to;
    struct mallow_stats *stats = slice->stats;
    enum run_kind kind = tag_kind(part->tag);
    size_t unit = os_page_size() / RUN_PAGE, first = (part->page - slice->page) / unit;
    const unsigned char *resident = slice->resident + first;
    size_t bytes = stats_pages_count_resident(resident, (part->end - slice->page) / unit - first);
    if (bytes == 0 || kind == RUN_FOREIGN) return;
    if (kind == RUN_BLOCK) {
        stats->resident_live_bytes += bytes;
    } else if (kind == RUN_LATER || (kind == RUN_FREE && tag_dirty(part->tag))) {
        stats->trimmable_bytes += bytes;
    } else if (kind != RUN_SLAB) {
        stats->surplus_bytes += bytes;
    } else {
        for (size_t page = part->page; page < part->end;
             page += GRANULE_PAGES, resident += GRANULE_PAGES / unit)
            stats_pages_read_granule(slice, page / GRANULE_PAGES, resident);
    }
}

/* ---- the whole ---- */

/* If part of the range is not mapped, asks for one granule at a time. */
static void stats_pages_find_resident(unsigned char *resident, const char *start, size_t bytes) {
    size_t page = os_page_size();
    if (os_find_resident(start, bytes, resident)) return;
    for (size_t at = 0; at < bytes; at += GRANULE) {
        size_t piece = min_size(GRANULE, bytes - at);
        unsigned char *pages = resident + at / page;
        if (os_find_resident(start + at, piece, pages)) continue;
        for (size_t i = 0; i < (piece + page - 1) / page; i++) pages[i] = 0;
    }
}

/* Returns the resident bytes of a range that begins at a page of the kernel. */
static uint64_t stats_pages_resident(struct stats_pages_slice *slice, const char *start,
                                     size_t bytes) {
    uint64_t sum = 0;
    for (size_t at = 0, piece; at < bytes; at += piece) {
        piece = min_size(STATS_PAGES_SLICE_BYTES, bytes - at);
        stats_pages_find_resident(slice->resident, start + at, piece);
        sum += stats_pages_count_resident(slice->resident,
                                          (piece + os_page_size() - 1) / os_page_size());
    }
    return sum;
}

static void stats_pages_add_mapping(void *to, const struct mapping *mapping) {
    struct stats_pages_slice *slice = to;
    slice->stats->resident_mapping_bytes +=
        stats_pages_resident(slice, mapping->start, mapping->bytes);
}

static void stats_pages_read_parts(struct stats_pages_slice *slice) {
    const struct part *parts[] = {&space.slab_part, &space.run_part, &space.meta_part};
    uintptr_t start, end;
    for (unsigned i = 0; i < 3; i++)
        slice->stats->resident_metadata_bytes +=
            stats_pages_resident(slice, parts[i]->start, parts[i]->accessible);
    for (unsigned part = 0; part < GUARD_PARTS; part++) {
        if (!guard_range_bounds((enum guard_part)part, &start, &end)) continue;
        uint64_t bytes = stats_pages_resident(slice, (const char *)start, end - start);
        *(part == GUARD_PAGES ? &slice->stats->resident_guarded_bytes
                              : &slice->stats->resident_metadata_bytes) += bytes;
    }
}

RARE void stats_read_pages(struct mallow_stats *stats) {
    struct stats_pages_slice slice = {.stats = stats, .run = GRANULE_PAGES};
    size_t end = pages_count().top, bytes = end * RUN_PAGE;
    for (size_t page = GRANULE_PAGES; page < end; page += STATS_PAGES_SLICE) {
        size_t stop = min_size(page + STATS_PAGES_SLICE, end);
        slice.page = page;
        stats_pages_find_resident(slice.resident, page_start((uint32_t)page),
                                  (stop - page) * RUN_PAGE);
        /* If the lock is refused, the figures lack this slice. */
        heap_walk(page, stop, &slice.run, stats_pages_read_part, &slice);
    }
    if (space.block_part.accessible > bytes)
        stats->surplus_bytes +=
            stats_pages_resident(&slice, space.base + bytes, space.block_part.accessible - bytes);
    stats_pages_read_parts(&slice);
    mapping_each(stats_pages_add_mapping, &slice);
}
