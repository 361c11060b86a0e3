#include "block_info.h"

#include "cold.h"
#include "full.h"
#include "guard.h"
#include "hard.h"
#include "mapping.h"
#include "pages.h"

static enum block_life life_of_state(uint8_t state) {
    switch (state) {
    case SLOT_USED:
    case SLOT_CHECKED:
        return LIFE_LIVE;
    case SLOT_FRESH:
    case SLOT_CACHED_FRESH:
    case SLOT_NONE:
        return LIFE_NONE;
    default:
        return LIFE_FREED;
    }
}

static bool slot_info(const void *p, struct block_info *info) {
    struct place place;
    if (!place_of(p, &place)) return false;
    if (full_is_known(&place)) return full_info(&place, info), true;
    if (hard_is_known(&place)) return hard_info(&place, info), true;
    *info = (struct block_info){
        .life = life_of_state(state_get(place.state)),
        .start = place.start,
        .size = place.slab->class == CLASS_ZERO ? 0 : place.bytes,
    };
    return info->life != LIFE_NONE;
}

static bool cold_info(const struct slab *granule, const void *p, struct block_info *info) {
    uint32_t start = cold_find_start(granule, cold_unit(p));
    if (start == UINT32_MAX) return false;
    *info = (struct block_info){
        .life = life_of_state(state_get(&granule->state[start])),
        .start = granule_start(granule_of(p)) + start * UNIT,
        .size = class_size(cold_class(granule, start)),
    };
    return true;
}

static bool run_info(const void *p, struct block_info *info) {
    uint32_t page = page_of(p);
    if (page < GRANULE_PAGES || page >= pages_count().top) return false;
    uint32_t start = pages_find_start(page);
    uint64_t tag = run_tag(start);
    if (tag_kind(tag) == RUN_FOREIGN) return false;
    *info = (struct block_info){
        .life = tag_kind(tag) == RUN_BLOCK ? LIFE_LIVE : LIFE_FREED,
        .start = page_start(start),
        .size = (size_t)tag_pages(tag) << RUN_SHIFT,
    };
    return true;
}

static bool mapping_info(const void *p, struct block_info *info) {
    struct mapping around;
    if (!mapping_around(p, &around)) return false;
    *info = (struct block_info){
        .life = LIFE_LIVE,
        .start = around.block,
        .size = around.bytes - (size_t)(around.block - around.start),
    };
    return true;
}

bool block_info_of(const void *p, struct block_info *info) {
    size_t granule = granule_of(p);
    if (guard_info(p, info)) return true;
    if (granule >= __atomic_load_n(&space.granules, __ATOMIC_ACQUIRE)) return mapping_info(p, info);
    const struct slab *slab = slab_of(granule);
    if (slab->kind == GRANULE_SLAB) return slot_info(p, info);
    return slab->kind == GRANULE_COLD ? cold_info(slab, p, info) : run_info(p, info);
}
