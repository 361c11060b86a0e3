#include "stats.h"

#include <string.h>

#include "cold.h"
#include "lock.h"
#include "meta.h"
#include "slab.h"

static void count_slot(struct class_figures *f, uint8_t state) {
    switch (state) {
    case SLOT_USED:
        f->used++;
        break;
    case SLOT_CACHED:
    case SLOT_CACHED_REMOTE:
        f->cached++;
        break;
    case SLOT_REMOTE:
    case SLOT_FREE:
        f->free++;
        break;
    case SLOT_CACHED_FRESH:
    case SLOT_FRESH:
        f->fresh++;
        break;
    default:
        break;
    }
}

static void read_slab(struct figures *figures, const struct slab *slab) {
    for (uint32_t slot = 0; slot < slab->slots; slot++)
        count_slot(&figures->classes[slab->class], state_get(&slab->state[slot]));
}

static void read_cold(struct figures *figures, const struct slab *granule) {
    for (uint32_t unit = 0; unit < GRANULE / UNIT; unit++) {
        uint8_t state = state_get(&granule->state[unit]);
        if (state == SLOT_USED || state == SLOT_FREE || state == SLOT_CACHED)
            count_slot(&figures->classes[cold_class(granule, unit)], state);
    }
}

static void read_runs(struct figures *figures) {
    for (size_t page = GRANULE_PAGES; page < figures->pages.top;) {
        uint64_t tag = run_tag((uint32_t)page);
        if (tag_kind(tag) == RUN_BLOCK) {
            figures->run_blocks++;
            figures->run_bytes += (size_t)tag_pages(tag) << RUN_SHIFT;
        }
        page += max_size(tag_pages(tag), 1);
    }
}

RARE void stats_read(struct figures *figures) {
    memset(figures, 0, sizeof *figures);
    lock_take(&global_lock);
    pages_settle();
    figures->pages = pages_count();
    figures->mappings = mapping_count();
    figures->metadata = meta_bytes_used();
    for (size_t granule = 1; granule * GRANULE_PAGES < figures->pages.top; granule++) {
        const struct slab *slab = slab_of(granule);
        if (slab->kind == GRANULE_SLAB && slab->index == 0) read_slab(figures, slab);
        if (slab->kind == GRANULE_COLD) read_cold(figures, slab);
    }
    if (space.granules != 0) {
        read_runs(figures);
        figures->top_free = pages_free_at_top();
    }
    lock_drop(&global_lock);
    figures->live_blocks = figures->run_blocks;
    figures->live_bytes = figures->run_bytes;
    for (unsigned class = 0; class < CLASSES; class ++) {
        figures->live_blocks += figures->classes[class].used;
        figures->live_bytes += figures->classes[class].used * class_size(class);
    }
}

/* ---- counts of calls ---- */

static UNTOUCHED struct {
    _Atomic uint64_t allocs[CLASSES + 1], frees;
    _Atomic size_t live_bytes, peak_bytes;
} call_totals;

static void add_live(size_t bytes) {
    size_t live =
        atomic_fetch_add_explicit(&call_totals.live_bytes, bytes, memory_order_relaxed) + bytes;
    size_t peak = atomic_load_explicit(&call_totals.peak_bytes, memory_order_relaxed);
    while ((ptrdiff_t)(live - peak) > 0 && (ptrdiff_t)live > 0 &&
           !atomic_compare_exchange_weak_explicit(&call_totals.peak_bytes, &peak, live,
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
}

void stats_count_alloc(unsigned class, size_t bytes) {
    atomic_fetch_add_explicit(&call_totals.allocs[class], 1, memory_order_relaxed);
    add_live(bytes);
}

void stats_count_free(size_t bytes) {
    atomic_fetch_add_explicit(&call_totals.frees, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&call_totals.live_bytes, bytes, memory_order_relaxed);
}

void stats_count_resize(size_t before, size_t after) { add_live(after - before); }

struct call_counts stats_calls(void) {
    struct call_counts now;
    for (unsigned i = 0; i <= CLASSES; i++)
        now.allocs[i] = atomic_load_explicit(&call_totals.allocs[i], memory_order_relaxed);
    now.frees = atomic_load_explicit(&call_totals.frees, memory_order_relaxed);
    now.live_bytes = atomic_load_explicit(&call_totals.live_bytes, memory_order_relaxed);
    now.peak_bytes = atomic_load_explicit(&call_totals.peak_bytes, memory_order_relaxed);
    return now;
}
