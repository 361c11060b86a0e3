#include "find.h"

#include "cold.h"
#include "large.h"
#include "mapping.h"

static struct found find_slot(struct slab *slab, void *p) {
    struct found none = {0};
    uint64_t product = reciprocal_product((uint32_t)(uintptr_t)p - slab->start, slab->reciprocal);
    if (!reciprocal_is_start(product, slab->reciprocal)) return none;
    _Atomic uint8_t *state = slab->state + reciprocal_slot(product);
    if (state_get(state) != SLOT_USED) return none;
    return (struct found){
        .kind = BLOCK_SLOT,
        .class = slab->class,
        .start = p,
        .usable = slab->class == CLASS_ZERO ? 0 : slab->slot_size,
        .slab = slab,
        .state = state,
    };
}

static struct found find_cold(struct slab *granule, void *p) {
    struct found none = {0};
    uint32_t unit = cold_unit(p);
    if ((uintptr_t)p % UNIT != 0 || state_get(&granule->state[unit]) != SLOT_USED) return none;
    unsigned class = cold_class(granule, unit);
    return (struct found){
        .kind = BLOCK_COLD,
        .class = class,
        .start = p,
        .usable = class_size(class),
        .slab = granule,
        .state = &granule->state[unit],
    };
}

struct found find_block(void *p) {
    size_t granule = granule_of(p);
    if (granule < __atomic_load_n(&space.granules, __ATOMIC_ACQUIRE)) {
        struct slab *slab = slab_of(granule);
        if (slab->kind == GRANULE_SLAB) return find_slot(slab, p);
        if (slab->kind == GRANULE_COLD) return find_cold(slab, p);
        size_t usable = large_usable(p);
        return (struct found){.kind = usable != 0 ? BLOCK_RUN : BLOCK_NONE, .start = p, .usable = usable};
    }
    size_t usable = mapping_usable(p);
    return (struct found){
        .kind = usable != 0 ? BLOCK_MAPPING : BLOCK_NONE, .start = p, .usable = usable};
}
