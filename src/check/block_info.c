#include "check/block_info.h"

#include "base/atomics.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "check/full.h"
#include "check/hard.h"
#include "check/hard_verify.h"
#include "guard/guard_info.h"
#include "guard/guard_range.h"
#include "heap/shared.h"
#include "heap/slab.h"
#include "pages/mapping.h"
#include "pages/pages.h"

static enum block_life block_info_life(uint8_t state) {
    switch (state) {
    case SLOT_USED:
    case SLOT_SAMPLED:
    case SLOT_CHECKED:
        return LIFE_LIVE;
    case SLOT_FRESH:
    case SLOT_CACHED_FRESH:
    case SLOT_HELD_FRESH:
    case SLOT_NONE:
        return LIFE_NONE;
    default:
        return LIFE_FREED;
    }
}

bool block_info_checked(const void *p, struct block_info *info) {
    struct slot_ref ref;
    if (guard_range_contains(p)) return guard_info(p, info);
    if (!slot_ref_find(p, &ref)) return false;
    if (full_is_known(&ref)) return full_info(&ref, info), true;
    if (hard_is_known(&ref)) return hard_info(&ref, info), true;
    return false;
}

static bool block_info_of_slot(const void *p, struct block_info *info) {
    struct slot_ref ref;
    if (block_info_checked(p, info)) return true;
    if (!slot_ref_find(p, &ref)) return false;
    info->life = block_info_life(slot_state_get(ref.state));
    info->start = ref.start;
    info->size = ref.slab->size_class == CLASS_ZERO ? 0 : ref.bytes - ref.slab->tail;
    return info->life != LIFE_NONE;
}

static bool block_info_of_shared(const struct slab *granule, const void *p,
                                 struct block_info *info) {
    uint32_t start = shared_find_start(granule, shared_unit(p));
    if (start == UINT32_MAX) return false;
    info->life = block_info_life(slot_state_get(&granule->state[start]));
    info->start = granule_start(slab_granule(granule)) + (size_t)start * UNIT;
    info->size = size_class_bytes(shared_class(granule, start));
    return info->life != LIFE_NONE;
}

/* Returns the first page of the run that `page` lies in. Searching backwards through a large run
 * takes long, so the run that was found last is tried first. If it is still a block and reaches
 * `page`, it is the run that `page` lies in. */
static uint32_t block_info_run_start(uint32_t page) {
    static uint32_t last;
    uint32_t start = racy_load(uint32_t, &last);
    uint64_t tag = run_tag(start);
    if (tag_kind(tag) == RUN_BLOCK && page - start < tag_pages(tag)) return start;
    start = pages_find_start(page);
    racy_store(&last, start);
    return start;
}

/* Free runs are merged, so the size of a freed block is not known. */
static bool block_info_of_run(const void *p, struct block_info *info) {
    uint32_t page = page_of(p), start = block_info_run_start(page);
    uint64_t tag = run_tag(start);
    if (page - start >= tag_pages(tag)) return false;
    info->start = page_start(start);
    switch (tag_kind(tag)) {
    case RUN_BLOCK:
        info->life = LIFE_LIVE;
        info->size = (size_t)tag_pages(tag) << RUN_SHIFT;
        return true;
    case RUN_FREE:
    case RUN_LATER:
        info->life = LIFE_FREED;
        return true;
    default:
        return false;
    }
}

static bool block_info_of_mapping(const void *p, struct block_info *info) {
    struct mapping around;
    if (!mapping_around(p, &around)) return false;
    info->life = LIFE_LIVE;
    info->start = around.block;
    info->size = around.bytes - (size_t)(around.block - around.start);
    return true;
}

bool block_info_of(const void *p, struct block_info *info) {
    *info = (struct block_info){.life = LIFE_NONE};
    size_t granule = granule_of(p);
    if (guard_range_contains(p)) return guard_info(p, info);
    if (granule >= __atomic_load_n(&space.granules, __ATOMIC_ACQUIRE))
        return block_info_of_mapping(p, info);
    const struct slab *slab = slab_of(granule);
    switch (slab->kind) {
    case GRANULE_SLAB:
        return block_info_of_slot(p, info);
    case GRANULE_SHARED:
        return block_info_of_shared(slab, p, info);
    default:
        return block_info_of_run(p, info);
    }
}

RARE bool block_info_last(const void *p, struct block_info *info) {
    const struct slab *head = slab_head(slab_of(granule_of(p)));
    for (uint32_t slot = head->slots; slot-- > 0;)
        if (block_info_life(slot_state_get(&head->state[slot])) == LIFE_LIVE)
            return block_info_of(slab_slot_zero(head) + (size_t)slot * head->slot_size, info);
    return false;
}
