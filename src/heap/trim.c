#include "heap/trim.h"

#include "base/assert.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "heap/heap_enter.h"
#include "heap/heap_owner.h"
#include "heap/heap_reap.h"
#include "heap/heap_valid.h"
#include "heap/heap_visit.h"
#include "heap/remote.h"
#include "heap/slab.h"
#include "mallow.h"
#include "os/open_lock.h"
#include "os/os.h"
#include "pages/page_counts.h"
#include "pages/pages.h"
#include "pages/pages_valid.h"
#include "pages/purge_runs.h"

static bool trim_is_available(const struct slab *slab, uint32_t slot) {
    return (slot_state_get(&slab->state[slot]) & 0x7f) == SLOT_FRESH;
}

struct trim_extent {
    uintptr_t first, end;
};

/* Returns the whole pages inside the slots [from, to) to the kernel. The result is empty if there
 * are none or the kernel refuses. */
static struct trim_extent trim_purge_slots(const struct slab *slab, uint32_t from, uint32_t to) {
    MALLOW_ASSERT(from < to && to <= slab->slots);
    size_t size = slab->slot_size, page = os_page_size();
    uintptr_t zero = (uintptr_t)slab_slot_zero(slab), first = zero + from * size;
    uintptr_t end = zero + to * size, start = (uintptr_t)granule_start(slab_granule(slab));
    /* Includes the room before the first slot and after the last. */
    if (from + slab->capacity <= slab->slots) first = start;
    if (to == slab->slots) end = start + size_class_granules(slab->size_class) * GRANULE;
    first = round_up(first, page);
    end &= ~(page - 1);
    if (end <= first || !os_purge((void *)first, end - first)) return (struct trim_extent){0, 0};
    page_counts_add_purged(end - first);
    return (struct trim_extent){first, end};
}

/* Returns the pages inside the available slots [from, to), if any of these slots is FREE. Slots
 * that lie completely in those pages become FRESH; the others keep their states. */
static bool trim_slots(struct slab *slab, uint32_t from, uint32_t to) {
    size_t size = slab->slot_size;
    uintptr_t zero = (uintptr_t)slab_slot_zero(slab);
    bool dirty = false;
    for (uint32_t slot = from; slot < to; slot++)
        dirty = dirty || slot_state_get(&slab->state[slot]) == SLOT_FREE;
    if (!dirty) return false;
    struct trim_extent gone = trim_purge_slots(slab, from, to);
    for (uint32_t slot = from; slot < to; slot++)
        if (zero + slot * size >= gone.first && zero + (slot + 1) * size <= gone.end)
            slot_state_set(&slab->state[slot], SLOT_FRESH);
    return gone.end != 0;
}

static bool trim_slab(struct slab *slab) {
    bool some = false;
    for (uint32_t slot = 0; slot < slab->slots; slot++) {
        uint32_t from = slot;
        while (slot < slab->slots && trim_is_available(slab, slot)) slot++;
        if (slot > from) some |= trim_slots(slab, from, slot);
    }
    slab->age = AGE_TRIMMED;
    MALLOW_ASSERT(heap_is_held(slab->owner));
    MALLOW_ASSERT(slab_is_valid(slab->owner, slab));
    return some;
}

/* ---- sweeps ---- */

/* A slice delays its thread by some tenths of a millisecond. */
#define SLICE_GRANULES 1024u
#define SLICE_SLABS 16u

/* Returns true if this was much work: the slab was trimmed, or it retired. */
static bool trim_sweep_slab(struct heap *heap, struct slab *slab, struct trim_sweep *sweep) {
    if (slab->in_use == slab->capacity) return false;
    if (slab->age < AGE_OLD) slab->age++;
    if (slab->age < sweep->age) {
        sweep->left = true;
        return false;
    }
    if (sweep->may_retire && slab_retire_old(heap, slab)) return true;
    if (slab->age == AGE_TRIMMED) return false;
    sweep->some |= trim_slab(slab);
    return true;
}

bool trim_slice(struct heap *heap, size_t *at, struct trim_sweep *sweep) {
    heap_assert_held(heap);
    MALLOW_ASSERT(!sweep->may_retire || heap_is_entered(heap));
    size_t end = __atomic_load_n(&space.granules, __ATOMIC_ACQUIRE), work = 0;
    size_t stop = min_size(*at + SLICE_GRANULES, end);
    for (; *at < stop && work < SLICE_SLABS; ++*at) {
        struct slab *slab = slab_of(*at);
        if (atomic_load_explicit(&slab->owner, memory_order_relaxed) != heap) continue;
        if (slab->index == 0 && slab->size_class != CLASS_ZERO)
            work += trim_sweep_slab(heap, slab, sweep);
    }
    if (*at < end) return false;
    *at = 0;
    return true;
}

/* ---- malloc_trim ---- */

/* Visits the heap once for each slice, so that its thread never waits for long. */
static bool trim_visited(struct heap *heap) {
    struct trim_sweep sweep = {.age = AGE_NONE};
    struct lock_hold hold;
    size_t slabs = __atomic_load_n(&space.granules, __ATOMIC_RELAXED);
    /* Other threads may continue to free slots meanwhile, so the collecting is limited. */
    for (size_t at = 0; heap_visit_begin(heap, &hold);) {
        bool more = slabs > 0 && remote_pending(heap);
        slabs -= min_size(slabs, COLLECT_MAX);
        bool done = more ? !remote_collect_some(heap) : trim_slice(heap, &at, &sweep);
        heap_visit_end(heap, &hold);
        if (done) break;
    }
    return sweep.some;
}

/* Trims the caller's heap, or one whose thread has ended. */
static bool trim_own(struct heap *heap) {
    MALLOW_ASSERT(heap_is_valid(heap));
    struct trim_sweep sweep = {.age = AGE_NONE, .may_retire = true};
    if (heap == self_heap)
        heap_reap(heap);
    else
        heap_reap_whole(heap);
    for (size_t at = 0; !trim_slice(heap, &at, &sweep);) continue;
    MALLOW_ASSERT(heap_is_valid(heap));
    return sweep.some;
}

static bool trim_all_heaps(void) {
    bool some = false;
    uint64_t signals = open_lock_hold_signals();
    for (struct heap *heap = heap_first(); heap != NULL; heap = heap->next) {
        if (heap_begin(heap)) {
            some |= trim_own(heap);
            heap_end(heap);
        } else if (heap != self_heap) {
            some |= trim_visited(heap);
        }
    }
    open_lock_release_signals(signals);
    return some;
}

static bool trim_runs(size_t pad) {
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return false;
    pages_settle();
    size_t keep = pad >> RUN_SHIFT, dirty = pages_count().dirty;
    size_t purged = dirty > keep ? purge_runs_dirty(dirty - keep) : 0;
    MALLOW_ASSERT(pages_are_valid());
    open_lock_drop(&global_lock, &hold);
    return purged != 0;
}

EXPORT_OWN int mallow_trim(size_t pad) {
    if (__atomic_load_n(&space.granules, __ATOMIC_ACQUIRE) == 0) return 0;
    bool some = trim_all_heaps();
    return trim_runs(pad) || some;
}
