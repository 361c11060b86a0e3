/*
 * Growth takes memory for the new units, their states and their index first, and then adds the
 * units in steps (buddy_extend). A process that is killed in between leaves a file that is larger
 * than its units need, and the next growth uses that.
 *
 * The memory is allocated (fallocate(2)), because a store to a page without memory raises SIGBUS
 * when the file system is full. Some file systems do not support this, and the risk remains there.
 */
#include "shared/growth.h"

#include <errno.h>
#include <sys/resource.h>

#include "base/failure.h"
#include "base/kernel.h"
#include "base/kernel_shared.h"

#define GRANULE_UNITS (IMAGE_GRANULE / IMAGE_UNIT)

/* A range of the file to allocate. Ranges that are near each other become one. */
struct growth_range {
    int fd;
    uint64_t from, to;
    bool failed;
};

static void growth_flush(struct growth_range *range) {
    if (range->failed || range->from == range->to) return;
    range->failed = !kernel_allocate(range->fd, range->from, range->to);
    range->from = range->to;
}

static void growth_add(struct growth_range *range, uint64_t from, uint64_t to) {
    if (from < range->from || from > range->to + IMAGE_GRANULE) {
        growth_flush(range);
        range->from = from;
    }
    range->to = to;
}

/* Returns the number of words that level 0 of an order's index has for `units` units; at least
 * 1. */
static uint64_t growth_words(const struct heap *heap, unsigned order, uint64_t units) {
    uint64_t words = (units >> order) / 64 + 1;
    uint64_t most = ((heap_header(heap)->maximum >> order) + 63) / 64;
    return words < most ? words : most;
}

static void growth_add_index(const struct heap *heap, struct growth_range *range, uint64_t old,
                             uint64_t units) {
    const struct bits *bits = &heap->buddy.bits;
    uint64_t index_at = (uint64_t)((char *)bits->words - heap->image);
    for (unsigned order = 0; order <= bits->top; order++) {
        uint64_t from = old == 0 ? 0 : growth_words(heap, order, old);
        uint64_t to = growth_words(heap, order, units);
        for (unsigned level = 0; level < bits->levels[order]; level++) {
            uint64_t start = index_at + 8 * bits->start[order][level];
            growth_add(range, start + 8 * from, start + 8 * to);
            from /= 64;
            to = (to + 63) / 64;
        }
    }
}

static bool growth_allocate(const struct heap *heap, uint64_t old, uint64_t units) {
    struct growth_range range = {.fd = heap->fd};
    if (old == 0) growth_add(&range, 0, IMAGE_STATES_AT);
    growth_add(&range, IMAGE_STATES_AT + old, IMAGE_STATES_AT + units);
    growth_add_index(heap, &range, old, units);
    growth_add(&range, heap_bytes(heap, old), heap_bytes(heap, units));
    growth_flush(&range);
    if (!range.failed) return true;
    if (errno != EOPNOTSUPP && errno != ENOSYS) return false;
    return kernel_set_file_size(heap->fd, heap_bytes(heap, units));
}

bool growth_reserve(struct heap *heap) {
    return growth_allocate(heap, 0, buddy_now(&heap->buddy)->units);
}

/* Returns the offset of the first byte that is not 0, or 0 if there is none. Leaves holes alone,
 * because reading them would allocate memory. */
static uint64_t growth_find_byte(const struct heap *heap, uint64_t from, uint64_t to) {
    while (from < to) {
        uint64_t start = from, end = to;
        if (!kernel_find_data(heap->fd, &start, &end)) {
            if (errno == ENXIO) return 0;
            start = from;
            end = to;
        }
        if (start < from) start = from;
        for (uint64_t at = start; at < end && at < to; at++)
            if (heap->image[at] != 0) return at;
        from = end;
    }
    return 0;
}

uint64_t growth_find_beyond(const struct heap *heap) {
    const struct bits *bits = &heap->buddy.bits;
    uint64_t units = buddy_now(&heap->buddy)->units, maximum = heap_header(heap)->maximum;
    uint64_t index_at = (uint64_t)((char *)bits->words - heap->image);
    uint64_t found = growth_find_byte(heap, IMAGE_STATES_AT + units, IMAGE_STATES_AT + maximum);
    for (unsigned order = 0; order <= bits->top; order++) {
        uint64_t present = growth_words(heap, order, units), all = ((maximum >> order) + 63) / 64;
        for (unsigned level = 0; level < bits->levels[order] && found == 0; level++) {
            uint64_t start = index_at + 8 * bits->start[order][level];
            found = growth_find_byte(heap, start + 8 * present, start + 8 * all);
            present = (present + 63) / 64;
            all = (all + 63) / 64;
        }
    }
    return found;
}

/* A file that grows beyond the limit would raise SIGXFSZ. */
static bool growth_is_limited(const struct heap *heap, uint64_t units, uint64_t *maximum) {
    return kernel_limit(RLIMIT_FSIZE, maximum) && heap_bytes(heap, units) > *maximum;
}

/* Returns false and sets errno on failure. */
static bool growth_try(struct heap *heap, uint64_t units) {
    uint64_t old = buddy_now(&heap->buddy)->units, maximum;
    if (growth_is_limited(heap, units, &maximum)) {
        errno = EFBIG;
        return false;
    }
    if (growth_allocate(heap, old, units)) {
        buddy_extend(&heap->buddy, units);
        return true;
    }
    int error = errno;
    if (old != 0) kernel_set_file_size(heap->fd, heap_bytes(heap, old));
    errno = error;
    return false;
}

enum mallow_result growth_to(struct heap *heap, uint64_t units, const char *function) {
    if (growth_try(heap, units)) return MALLOW_OK;
    uint64_t old = buddy_now(&heap->buddy)->units, maximum;
    uint64_t wanted = (units - old) * IMAGE_UNIT;
    if (!growth_is_limited(heap, units, &maximum))
        return heap_fail_system(function, "fallocate", wanted);
    return failure_set((struct mallow_error){.result = MALLOW_AT_LIMIT,
                                             .error = EFBIG,
                                             .function = function,
                                             .limit = MALLOW_LIMIT_FILE_SIZE,
                                             .used = heap_bytes(heap, old),
                                             .maximum = maximum,
                                             .wanted = wanted});
}

/* Returns true if all units from the position to the end of the heap are free. */
static bool growth_is_free_from(const struct buddy *buddy, uint64_t position) {
    while (position < buddy_now(buddy)->units) {
        unsigned state = buddy->states[position];
        if (state < STATE_FREE || state >= STATE_USED) return false;
        position += (uint64_t)1 << (state & 0x3f);
    }
    return true;
}

/* Returns the smallest size of the heap that has a free block of the order. */
static uint64_t growth_needed(const struct buddy *buddy, unsigned order) {
    uint64_t block = (uint64_t)1 << order, start = buddy_now(buddy)->units & -block;
    while (!growth_is_free_from(buddy, start)) start += block;
    return (start + block + GRANULE_UNITS - 1) / GRANULE_UNITS * GRANULE_UNITS;
}

/* Grows by a quarter if possible, so that a heap seldom grows. */
static enum mallow_result growth_for(struct heap *heap, unsigned order, const char *function) {
    uint64_t old = buddy_now(&heap->buddy)->units, maximum = heap_header(heap)->maximum;
    uint64_t needed = growth_needed(&heap->buddy, order);
    if (needed > maximum)
        return failure_set((struct mallow_error){.result = MALLOW_NO_MEMORY,
                                                 .function = function,
                                                 .used = old * IMAGE_UNIT,
                                                 .maximum = maximum * IMAGE_UNIT,
                                                 .wanted = (uint64_t)IMAGE_UNIT << order});
    int error = errno;
    uint64_t generous = old + old / 4 / GRANULE_UNITS * GRANULE_UNITS;
    if (generous > maximum) generous = maximum;
    bool has_grown = generous > needed && growth_try(heap, generous);
    errno = error;
    return has_grown ? MALLOW_OK : growth_to(heap, needed, function);
}

enum mallow_result growth_find(struct heap *heap, size_t size, uint64_t *position,
                               unsigned *found_order, const char *function) {
    if (size > IMAGE_UNITS_MAX * IMAGE_UNIT)
        return failure_set((struct mallow_error){
            .result = MALLOW_TOO_LARGE, .function = function, .wanted = size});
    unsigned order = buddy_order(size);
    struct buddy *buddy = &heap->buddy;
    if ((*position = buddy_find(buddy, order, found_order)) != NO_UNIT) return MALLOW_OK;
    buddy_merge_all(buddy);
    if ((*position = buddy_find(buddy, order, found_order)) != NO_UNIT) return MALLOW_OK;
    if (order <= buddy->bits.top && heap_header(heap)->orders >> order != 0)
        return heap_fail(function, MALLOW_DAMAGED); /* the index and the states disagree */
    enum mallow_result result = growth_for(heap, order, function);
    if (result != MALLOW_OK) return result;
    *position = buddy_find(buddy, order, found_order);
    return *position != NO_UNIT ? MALLOW_OK : heap_fail(function, MALLOW_DAMAGED);
}
