#include "check/record.h"

#include <string.h>

#include "base/assert.h"
#include "heap/slot_location.h"
#include "os/open_lock.h"
#include "pages/meta.h"

bool slot_ref_find(const void *p, struct slot_ref *ref) {
    struct slab *part = slab_around(p);
    if (part == NULL || atomic_load_explicit(&part->owner, memory_order_acquire) == NULL)
        return false;
    struct slot_location slot = slot_locate(part, p);
    struct slab *head = slab_head(part);
    *ref = (struct slot_ref){
        .slab = head,
        .slot = (uint32_t)(slot.state - head->state),
        .start = slot_start(part, slot, p),
        .bytes = part->slot_size,
        .state = slot.state,
    };
    return ref->slot < head->slots && slot_state_get(ref->state) != SLOT_NONE;
}

static size_t record_array_bytes(const struct slab *slab) {
    return slab->slots * sizeof(struct record);
}

bool record_make_array(struct slab *slab) {
    MALLOW_ASSERT(slab->index == 0);
    MALLOW_ASSERT(slab->kind == GRANULE_SLAB);
    if (likely(slab->records != NULL)) return true;
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return false;
    struct record *records = meta_alloc(record_array_bytes(slab));
    if (records != NULL) memset(records, 0, record_array_bytes(slab));
    slab->records = records;
    open_lock_drop(&global_lock, &hold);
    return records != NULL;
}
