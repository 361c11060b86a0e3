#include "heap/find.h"

#include "base/layout.h"
#include "heap/shared.h"
#include "pages/large.h"
#include "pages/mapping.h"

static struct block_ref find_shared(struct slab *granule, void *p) {
    struct block_ref none = {0};
    uint32_t unit = shared_unit(p);
    if ((uintptr_t)p % UNIT != 0 || !slot_state_is_used(slot_state_get(&granule->state[unit])))
        return none;
    unsigned size_class = shared_class(granule, unit);
    return (struct block_ref){
        .kind = BLOCK_SHARED,
        .size_class = size_class,
        .start = p,
        .usable = size_class_bytes(size_class),
        .slab = granule,
        .state = &granule->state[unit],
    };
}

struct block_ref find_elsewhere(void *p) {
    size_t granule = granule_of(p);
    if (granule < __atomic_load_n(&space.granules, __ATOMIC_ACQUIRE)) {
        struct slab *slab = slab_of(granule);
        if (slab->kind == GRANULE_SLAB) return (struct block_ref){.kind = BLOCK_NONE};
        if (slab->kind == GRANULE_SHARED) return find_shared(slab, p);
        size_t usable = large_usable(p);
        return (struct block_ref){
            .kind = usable != 0 ? BLOCK_RUN : BLOCK_NONE, .start = p, .usable = usable};
    }
    size_t usable = mapping_usable(p);
    return (struct block_ref){
        .kind = usable != 0 ? BLOCK_MAPPING : BLOCK_NONE, .start = p, .usable = usable};
}
