#include "trim.h"

#include "lock.h"
#include "mallow.h"
#include "os.h"
#include "pages.h"
#include "remote.h"
#include "slab.h"
#include "stats.h"

static bool is_available(const struct slab *slab, uint32_t slot) {
    return (state_get(&slab->state[slot]) & 0x7f) == SLOT_FRESH;
}

struct extent {
    uintptr_t first, end;
};

/* Returns the whole pages inside the slots [from, to) to the kernel; none when it is refused. */
static struct extent purge_slots(const struct slab *slab, uint32_t from, uint32_t to) {
    size_t size = slab->slot_size, page = os_page_size();
    uintptr_t zero = (uintptr_t)slab_slot_zero(slab), first = zero + from * size;
    uintptr_t end = zero + to * size, start = (uintptr_t)granule_start(slab_granule(slab));
    /* With what no slot has before the first and after the last. */
    if (from + slab->capacity <= slab->slots) first = start;
    if (to == slab->slots) end = start + class_granules(slab->class) * GRANULE;
    first = round_up(first, page);
    end &= ~(page - 1);
    if (end <= first || !os_purge((void *)first, end - first)) return (struct extent){0, 0};
    stats_count_purged(end - first);
    return (struct extent){first, end};
}

/* Gives back the pages inside the available slots [from, to), if there are any dirty ones. What
 * was in the slots that the pages cover in part is left as it is. */
static bool trim_slots(struct slab *slab, uint32_t from, uint32_t to) {
    size_t size = slab->slot_size;
    uintptr_t zero = (uintptr_t)slab_slot_zero(slab);
    bool dirty = false;
    for (uint32_t slot = from; slot < to; slot++)
        dirty = dirty || state_get(&slab->state[slot]) == SLOT_FREE;
    if (!dirty) return false;
    struct extent gone = purge_slots(slab, from, to);
    for (uint32_t slot = from; slot < to; slot++)
        if (zero + slot * size >= gone.first && zero + (slot + 1) * size <= gone.end)
            state_set(&slab->state[slot], SLOT_FRESH);
    return gone.end != 0;
}

static bool trim_slab(struct slab *slab) {
    bool some = false;
    for (uint32_t slot = 0; slot < slab->slots; slot++) {
        uint32_t from = slot;
        while (slot < slab->slots && is_available(slab, slot)) slot++;
        if (slot > from) some |= trim_slots(slab, from, slot);
    }
    return some;
}

bool trim_slabs(struct heap *heap) {
    bool some = false;
    for (unsigned class = 1; class < CLASSES; class ++)
        for (struct slab *slab = heap->bin[class].partial; slab != NULL; slab = slab->next)
            some |= trim_slab(slab);
    return some;
}

/* ---- what others freed, in a heap that is visited ---- */

/* Acquire: the freeing thread's last accesses come before the pages go. */
static bool is_remote(const _Atomic uint8_t *state) {
    return atomic_load_explicit(state, memory_order_acquire) == SLOT_REMOTE;
}

/* Whether the descriptor is (still) that slab of the heap. */
static bool is_slab_of(const struct heap *heap, const struct slab *slab, uint16_t generation) {
    return atomic_load_explicit(&slab->owner, memory_order_acquire) == heap &&
           atomic_load_explicit(&slab->generation, memory_order_acquire) == generation;
}

/*
 * How many slots of a borrowed slab are REMOTE; 0 when it is not the heap's. A descriptor may have
 * been pushed late, when its slab was gone already, and then its owner may make another of it at
 * any time: what is read between two looks that find the same slab belongs together. A slot that
 * was seen REMOTE so keeps the slab from then on, for nobody but the visitor could collect it.
 */
static uint32_t count_remote(const struct heap *heap, const struct slab *slab) {
    uint16_t generation = atomic_load_explicit(&slab->generation, memory_order_acquire);
    if (!is_slab_of(heap, slab, generation)) return 0;
    const _Atomic uint8_t *states = __atomic_load_n(&slab->state, __ATOMIC_ACQUIRE);
    uint32_t slots = __atomic_load_n(&slab->slots, __ATOMIC_ACQUIRE);
    bool is_head = __atomic_load_n(&slab->index, __ATOMIC_ACQUIRE) == 0;
    if (!is_head || !is_slab_of(heap, slab, generation)) return 0;
    uint32_t count = 0; /* an array of states that is given up can still be read */
    for (uint32_t slot = 0; slot < slots; slot++) count += is_remote(&states[slot]);
    return is_slab_of(heap, slab, generation) ? count : 0;
}

static size_t trim_borrowed(const struct heap *heap, struct slab *slab) {
    uint32_t count = count_remote(heap, slab);
    if (count == 0) return 0; /* and nothing else of it may be looked at */
    /* Not again what went the last time, but for a few more. */
    if (count <= slab->trimmed + slab->trimmed / 8u) return 0;
    slab->trimmed = (uint16_t)count;
    size_t bytes = 0;
    for (uint32_t slot = 0; slot < slab->slots; slot++) {
        uint32_t from = slot;
        while (slot < slab->slots && is_remote(&slab->state[slot])) slot++;
        if (slot == from) continue;
        struct extent gone = purge_slots(slab, from, slot);
        bytes += gone.end - gone.first;
    }
    return bytes >> RUN_SHIFT;
}

size_t trim_remote(struct heap *heap, size_t pages) {
    size_t gone = 0;
    for (unsigned class = 1; class < CLASSES; class ++) {
        struct slab *slab = remote_borrow(heap, class);
        while (slab != NULL) {
            struct slab *next = slab->next_pending;
            if (gone < pages) gone += trim_borrowed(heap, slab);
            remote_hand_back(slab);
            slab = next;
        }
    }
    return gone;
}

static bool trim_runs(size_t pad) {
    lock_take(&global_lock);
    pages_settle();
    size_t keep = pad >> RUN_SHIFT, dirty = pages_count().dirty;
    size_t purged = dirty > keep ? pages_purge(dirty - keep) : 0;
    lock_drop(&global_lock);
    return purged != 0;
}

EXPORT_OWN int mallow_trim(size_t pad) {
    if (heap_first() == NULL) return 0;
    bool some = heap_trim_all();
    return trim_runs(pad) || some;
}
