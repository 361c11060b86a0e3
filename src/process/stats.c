#include "process/stats.h"

#include <string.h>

#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "guard/guard_budget.h"
#include "heap/heap_reap.h"
#include "heap/shared.h"
#include "heap/slab.h"
#include "os/open_lock.h"
#include "os/os.h"
#include "pages/mapping.h"
#include "pages/meta.h"
#include "pages/page_counts.h"
#include "pages/pages.h"
#include "process/stats_pages.h"

/* ---- slots ---- */

#define LANES 0x0101010101010101ull
#define LANE_WORDS 255u /* the number of words that can be counted before a lane overflows */

/* Each member holds eight counts, one for each byte of a word of eight states. */
struct lanes {
    uint64_t used, cached, free, none;
};

/* Counts the eight states of a word by their bits (enum slot_state). The remaining states are
 * fresh. */
static inline void stats_count_word(struct lanes *lanes, uint64_t word) {
    uint64_t bit0 = word & LANES, bit1 = word >> 1 & LANES, bit2 = word >> 2 & LANES;
    uint64_t top = word >> 7 & LANES;
    lanes->used += bit0 & ~bit2;
    lanes->cached += bit1 & (top | bit2);
    lanes->free += (top | (bit2 & ~bit0)) & ~bit1;
    lanes->none += bit0 & bit2;
}
_Static_assert(SLOT_USED == 1 && SLOT_CHECKED == 9 && SLOT_SAMPLED == 0x11 && SLOT_CACHED == 0x82 &&
                   SLOT_HELD == 0x8a && SLOT_CLOSING == 0xe && SLOT_FREE == 0x80 &&
                   SLOT_REMOTE == 4 && SLOT_NONE == 5 && SLOT_FRESH == 0 &&
                   SLOT_CACHED_FRESH == 2 && SLOT_HELD_FRESH == 0xa,
               "stats_count_word tells them apart by these bits");

static inline uint64_t stats_sum_lanes(uint64_t lanes) {
    uint64_t pairs = (lanes & 0x00ff00ff00ff00ffull) + (lanes >> 8 & 0x00ff00ff00ff00ffull);
    return pairs * 0x0001000100010001ull >> 48;
}

/* `words` is at most LANE_WORDS. */
static void stats_read_words(struct mallow_class_stats *counts, const _Atomic uint8_t *states,
                             uint32_t words) {
    struct lanes lanes = {0};
    uint64_t full = 0; /* words of eight slots in use, which are most of the words in most heaps */
    for (uint32_t i = 0; i < words; i++) {
        uint64_t word = slab_load_states(states, i * 8);
        if (word == LANES * SLOT_USED)
            full++;
        else
            stats_count_word(&lanes, word);
    }
    uint64_t used = full * 8 + stats_sum_lanes(lanes.used), cached = stats_sum_lanes(lanes.cached);
    uint64_t free = stats_sum_lanes(lanes.free);
    counts->used_slots += used;
    counts->cached_slots += cached;
    counts->free_slots += free;
    counts->fresh_slots += (uint64_t)words * 8 - used - cached - free - stats_sum_lanes(lanes.none);
}

static void stats_read_slab(struct mallow_stats *stats, const struct slab *slab) {
    struct mallow_class_stats *counts = &stats->classes[slab->size_class];
    uint32_t words = (slab->slots + 7) / 8; /* after the last slot the states are NONE */
    for (uint32_t from = 0; from < words; from += LANE_WORDS)
        stats_read_words(counts, slab->state + (size_t)from * 8,
                         (uint32_t)min_size(words - from, LANE_WORDS));
    counts->slabs++;
}

/* Memory from which no slot has been cut yet counts as fresh. */
static void stats_read_shared(struct mallow_stats *stats, const struct slab *granule) {
    size_t fresh = GRANULE;
    for (uint32_t unit = 0; unit < GRANULE / UNIT; unit++) {
        if (unit % 8 == 0 && slab_load_states(granule->state, unit) == 0) {
            unit += 7;
            continue;
        }
        /* Acquire: its class was written before its state. */
        uint8_t state = atomic_load_explicit(&granule->state[unit], memory_order_acquire);
        if (!slot_state_is_used(state) && state != SLOT_FREE && state != SLOT_CACHED) continue;
        unsigned size_class = shared_class(granule, unit);
        struct mallow_class_stats *counts = &stats->classes[size_class];
        if (slot_state_is_used(state))
            counts->used_slots++;
        else
            *(state == SLOT_FREE ? &counts->free_slots : &counts->cached_slots) += 1;
        fresh -= size_class_bytes(size_class);
    }
    stats->fresh_bytes += fresh;
    stats->mixed_slabs++;
}

/* ---- runs of pages ---- */

#define SLICE_PAGES ((size_t)64 * GRANULE_PAGES) /* read at a time, in about 50 microseconds */

static void stats_read_slab_run(struct mallow_stats *stats, size_t page) {
    const struct slab *slab = slab_of(page / GRANULE_PAGES);
    if (slab->kind == GRANULE_SLAB) stats_read_slab(stats, slab);
    if (slab->kind == GRANULE_SHARED) stats_read_shared(stats, slab);
}

static void stats_count_run(struct mallow_stats *stats, uint64_t tag, size_t bytes, bool whole) {
    enum run_kind kind = tag_kind(tag);
    bool dirty = kind == RUN_LATER || tag_dirty(tag);
    switch (kind) {
    case RUN_SLAB:
        stats->slab_bytes += bytes;
        break;
    case RUN_BLOCK:
        stats->run_blocks += whole;
        stats->run_bytes += bytes;
        break;
    case RUN_FREE:
    case RUN_LATER:
        stats->free_runs += whole;
        *(dirty ? &stats->dirty_bytes : &stats->clean_bytes) += bytes;
        if (dirty) stats->top_dirty_bytes += bytes;
        return;
    default:
        break;
    }
    stats->top_dirty_bytes = 0;
}

/* Counts the run at `page`, up to `end`. Returns the first page after it. If the runs have changed
 * since the last slice, the page may lie inside a run. Only the rest of that run is then
 * counted. */
static size_t stats_read_run(struct mallow_stats *stats, size_t page, size_t end) {
    size_t start = pages_find_start((uint32_t)page);
    uint64_t tag = run_tag((uint32_t)start);
    size_t next = min_size(start + tag_pages(tag), end);
    if (next <= page) return page + 1;
    stats_count_run(stats, tag, (next - page) << RUN_SHIFT, start == page);
    if (start == page && tag_kind(tag) == RUN_SLAB) stats_read_slab_run(stats, page);
    return next;
}

static size_t stats_read_slice(struct mallow_stats *stats, size_t page, size_t end) {
    size_t stop = min_size(page + SLICE_PAGES, end);
    struct lock_hold hold;
    bool locked = open_lock_take(&global_lock, &hold); /* without it the result is approximate */
    while (page < stop) page = stats_read_run(stats, page, end);
    if (locked) open_lock_drop(&global_lock, &hold);
    return page;
}

/* Also adds the maxima. Their sum may exceed what existed at any one time, because the two kinds
 * may have reached their maxima at different times. */
static void stats_add_mappings(struct mallow_stats *stats, const struct mapping_counts *counts) {
    stats->mappings += counts->count;
    stats->mapping_bytes += counts->bytes;
    stats->mappings_highest += counts->count_max;
    stats->mapping_bytes_highest += counts->bytes_max;
    for (unsigned i = 0; i < MAPPING_DOUBLINGS; i++)
        stats->mappings_of_doubling[i] += counts->of_doubling[i];
}

/* Reads the figures that the run tags do not contain. Returns the top of the page heap, as a
 * page number. */
static size_t stats_read_counts(struct mallow_stats *stats) {
    struct lock_hold hold;
    if (open_lock_take(&global_lock, &hold)) {
        pages_settle();
        open_lock_drop(&global_lock, &hold);
    }
    struct mapping_counts mapping = mapping_count();
    stats->metadata_bytes = meta_bytes_used();
    size_t end = pages_count().top;
    struct mapping_counts guards = guard_budget_counts();
    stats_add_mappings(stats, &mapping);
    stats_add_mappings(stats, &guards);
    stats->guarded_blocks = guards.count;
    stats->guarded_bytes = guards.bytes;
    return end;
}

/* ---- the whole ---- */

static void stats_add_up(struct mallow_stats *stats) {
    stats->live_blocks = stats->run_blocks;
    for (unsigned i = 0; i < CLASSES; i++) {
        struct mallow_class_stats *counts = &stats->classes[i];
        counts->slot_bytes = size_class_bytes(i);
        stats->live_blocks += counts->used_slots;
        stats->live_bytes += counts->used_slots * counts->slot_bytes;
        stats->cached_blocks += counts->cached_slots;
        stats->cached_bytes += counts->cached_slots * counts->slot_bytes;
        stats->free_blocks += counts->free_slots;
        stats->free_bytes += counts->free_slots * counts->slot_bytes;
        stats->fresh_bytes += counts->fresh_slots * counts->slot_bytes;
    }
    stats->unused_bytes = stats->slab_bytes - stats->live_bytes - stats->cached_bytes -
                          stats->free_bytes - stats->fresh_bytes;
    stats->live_bytes += stats->run_bytes;
    stats->heap_bytes =
        stats->slab_bytes + stats->run_bytes + stats->dirty_bytes + stats->clean_bytes;
}

RARE void stats_read(struct mallow_stats *stats) {
    memset(stats, 0, sizeof *stats);
    stats->page_bytes = os_page_size();
    stats->purged_bytes = page_counts_purged();
    size_t end = stats_read_counts(stats);
    for (size_t page = GRANULE_PAGES; page < end;) page = stats_read_slice(stats, page, end);
    stats_add_up(stats);
}

RARE void stats_collect(struct mallow_stats *stats) {
    struct heap_counts heaps = heap_reap_all();
    stats_read(stats);
    stats->heaps_with_thread = heaps.with_thread;
    stats->heaps_without_thread = heaps.without_thread;
}

RARE void stats_collect_all(struct mallow_stats *stats) {
    stats_collect(stats);
    stats_read_pages(stats);
}

EXPORT_OWN size_t mallow_stats(struct mallow_stats *stats, size_t size) {
    struct mallow_stats now;
    stats_collect_all(&now);
    memcpy(stats, &now, min_size(size, sizeof now));
    if (size > sizeof now) memset((char *)stats + sizeof now, 0, size - sizeof now);
    return sizeof now;
}
