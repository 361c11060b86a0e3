/* The functions that concern the heap as a whole. */
#include <errno.h>
#include <sched.h>

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

/* A heap that is open for reading only has no lock. The data that was read is consistent if the
 * version was the same before and after. A process that changes the heap without pause makes this
 * fail from time to time, and a process that was killed inside a step makes it fail until another
 * one repairs the heap.
 */
#define READ_TRIES 1000

struct whole_reading {
    uint64_t version;
    int tries;
};

/* Begins to read, and returns true, unless there were too many tries. */
static bool whole_begin(const struct heap *heap, struct whole_reading *reading) {
    for (; reading->tries < READ_TRIES; reading->tries++) {
        reading->version = buddy_version(&heap->buddy);
        if (reading->version != 0) break;
        sched_yield();
    }
    return reading->tries++ < READ_TRIES;
}

static bool whole_is_consistent(const struct heap *heap, const struct whole_reading *reading) {
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return !heap->read_only || buddy_version(&heap->buddy) == reading->version;
}

static enum mallow_result whole_fail_busy(const char *function) {
    return failure_set(
        (struct mallow_error){.result = MALLOW_BUSY, .error = EAGAIN, .function = function});
}

enum mallow_result mallow_shared_measure(struct mallow_shared *visible,
                                         struct mallow_shared_statistics *statistics) {
    if (visible == NULL || statistics == NULL) return FAIL(MALLOW_BAD_ARGUMENT);
    struct heap *heap = heap_of(visible);
    enum mallow_result result = mutex_enter_to_read(heap, __func__);
    if (result != MALLOW_OK) return result;
    if (!heap->read_only) buddy_merge_all(&heap->buddy);
    struct whole_reading reading = {0, 0};
    struct mallow_shared_statistics measured;
    bool is_consistent = false;
    while (!is_consistent && whole_begin(heap, &reading)) {
        whole_measure(heap, &measured);
        is_consistent = whole_is_consistent(heap, &reading);
    }
    mutex_leave(heap);
    if (!is_consistent) return whole_fail_busy(__func__);
    *statistics = measured;
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
    struct whole_reading reading = {0, 0};
    bool is_sound = true, is_consistent = false;
    while (!is_consistent && whole_begin(heap, &reading)) {
        is_sound = check_image(&heap->buddy, &first);
        is_consistent = whole_is_consistent(heap, &reading);
    }
    mutex_leave(heap);
    if (!is_consistent) return whole_fail_busy(__func__);
    if (finding != NULL) *finding = first;
    return is_sound ? MALLOW_OK : heap_fail_image(__func__, &first);
}
