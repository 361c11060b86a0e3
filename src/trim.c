#include "trim.h"

#include "lock.h"
#include "mallow.h"
#include "os.h"
#include "pages.h"
#include "slab.h"

static bool is_available(const struct slab *slab, uint32_t slot) {
    return (state_get(&slab->state[slot]) & 0x7f) == SLOT_FRESH;
}

/* Gives back the pages inside the available slots [from, to), if there are any dirty ones. What
 * was in the slots that the pages cover in part is left as it is. */
static bool trim_slots(struct slab *slab, uint32_t from, uint32_t to) {
    size_t size = slab->slot_size, page = os_page_size();
    uintptr_t zero = (uintptr_t)slab_slot_zero(slab);
    uintptr_t first = round_up(zero + from * size, page), end = (zero + to * size) & ~(page - 1);
    bool dirty = false;
    for (uint32_t slot = from; slot < to; slot++)
        dirty = dirty || state_get(&slab->state[slot]) == SLOT_FREE;
    if (!dirty || end <= first || !os_purge((void *)first, end - first)) return false;
    for (uint32_t slot = from; slot < to; slot++)
        if (zero + slot * size >= first && zero + (slot + 1) * size <= end)
            state_set(&slab->state[slot], SLOT_FRESH);
    return true;
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
