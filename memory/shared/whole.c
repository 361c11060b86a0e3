/* The functions that concern the heap as a whole. */
#include "base/failure.h"
#include "shared/check.h"
#include "shared/growth.h"
#include "shared/mutex.h"

static uint64_t whole_count_free(const struct bits *bits, unsigned order, uint64_t units) {
    const uint64_t *words = &bits->words[bits->start[order][0]];
    uint64_t count = 0;
    for (uint64_t i = 0; i < (units >> order); i += 64)
        count += (unsigned)__builtin_popcountll(words[i / 64]);
    return count;
}

static void whole_measure(const struct heap *heap, struct mallow_shared_statistics *statistics) {
    const struct image_step *now = buddy_now(&heap->buddy);
    const struct image_header *header = heap_header(heap);
    *statistics = (struct mallow_shared_statistics){.size = now->units * IMAGE_UNIT,
                                                    .maximum = header->maximum * IMAGE_UNIT,
                                                    .blocks = now->blocks,
                                                    .used = now->used,
                                                    .requested = now->requested,
                                                    .free = now->units * IMAGE_UNIT - now->used,
                                                    .repairs = header->repairs};
    for (unsigned order = 0; order <= heap->buddy.bits.top; order++) {
        if ((header->orders >> order & 1) == 0) continue;
        statistics->free_blocks[order] = whole_count_free(&heap->buddy.bits, order, now->units);
        statistics->largest_free = (uint64_t)IMAGE_UNIT << order;
    }
}

enum mallow_result mallow_shared_measure(struct mallow_shared *visible,
                                         struct mallow_shared_statistics *statistics) {
    if (visible == NULL || statistics == NULL) return FAIL(MALLOW_BAD_ARGUMENT);
    struct heap *heap = heap_of(visible);
    enum mallow_result result = mutex_enter_to_read(heap, __func__);
    if (result != MALLOW_OK) return result;
    if (!heap->read_only) buddy_merge_all(&heap->buddy);
    whole_measure(heap, statistics);
    mutex_leave(heap);
    return MALLOW_OK;
}

enum mallow_result mallow_shared_grow(struct mallow_shared *visible, uint64_t size) {
    if (visible == NULL) return FAIL(MALLOW_BAD_ARGUMENT);
    struct heap *heap = heap_of(visible);
    enum mallow_result result = mutex_enter(heap, __func__);
    if (result != MALLOW_OK) return result;
    uint64_t maximum = heap_header(heap)->maximum * IMAGE_UNIT;
    uint64_t units =
        (size / IMAGE_GRANULE + (size % IMAGE_GRANULE != 0)) * (IMAGE_GRANULE / IMAGE_UNIT);
    if (size > maximum)
        result = FAIL(MALLOW_NO_ROOM, .wanted = size, .maximum = maximum);
    else if (units > buddy_now(&heap->buddy)->units)
        result = growth_to(heap, units, __func__);
    mutex_leave(heap);
    return result;
}

enum mallow_result mallow_shared_check(struct mallow_shared *visible,
                                       struct mallow_shared_finding *finding) {
    if (visible == NULL) return FAIL(MALLOW_BAD_ARGUMENT);
    struct heap *heap = heap_of(visible);
    struct mallow_shared_finding first;
    enum mallow_result result = mutex_enter_to_read(heap, __func__);
    if (result != MALLOW_OK) return result;
    if (!check_image(&heap->buddy, &first)) result = heap_fail_image(__func__, &first);
    mutex_leave(heap);
    if (finding != NULL) *finding = first;
    return result;
}
