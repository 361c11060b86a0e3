#include "check/record.h"

#include <string.h>

#include "os/open_lock.h"
#include "pages/meta.h"

bool place_of(const void *p, struct place *place) {
    size_t granule = granule_of(p);
    if (granule >= __atomic_load_n(&space.granules, __ATOMIC_ACQUIRE)) return false;
    struct slab *part = slab_of(granule);
    if (atomic_load_explicit(&part->owner, memory_order_acquire) == NULL) return false;
    if (part->kind != GRANULE_SLAB) return false;
    uint32_t offset = (uint32_t)(uintptr_t)p - part->start;
    uint32_t slot = reciprocal_slot(reciprocal_product(offset, part->reciprocal));
    struct slab *head = slab_head(part);
    *place = (struct place){
        .slab = head,
        .slot = (uint32_t)(part->state - head->state) + slot,
        .start = (char *)(uintptr_t)p - (offset - slot * part->slot_size),
        .bytes = part->slot_size,
        .state = part->state + slot,
    };
    return place->slot < head->slots && state_get(place->state) != SLOT_NONE;
}

static size_t records_bytes(const struct slab *slab) { return slab->slots * sizeof(struct record); }

bool records_make(struct slab *slab) {
    if (likely(slab->records != NULL)) return true;
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return false;
    struct record *records = meta_alloc(records_bytes(slab));
    if (records != NULL) memset(records, 0, records_bytes(slab));
    slab->records = records;
    open_lock_drop(&global_lock, &hold);
    return records != NULL;
}
