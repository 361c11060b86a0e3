#include "lock/counts.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "base/kernel.h"
#include "base/kernel_lock.h"
#include "base/ranges.h"

/* This structure is in memory that reads as zero in a child. There, the mutex is unlocked, and the
 * zeros show that the counts are those of the parent. */
struct counts_process {
    pthread_mutex_t mutex;
    bool has_counts;
};

static struct counts_process *_Atomic counts_process;
static struct ranges counts_ranges; /* the value is twice the number of locks, plus is_on_fault */
static struct counts_all counts_of_all;

/* Returns NULL and sets errno if there is no memory. */
static struct counts_process *counts_create(void) {
    size_t page = kernel_page();
    struct counts_process *created = kernel_map(page, "mallow lock");
    if (created == NULL) return NULL;
    if (!kernel_wipe_on_fork(created, page)) {
        int error = errno;
        kernel_unmap(created, page);
        errno = error;
        return NULL;
    }
    struct counts_process *first = NULL;
    if (atomic_compare_exchange_strong(&counts_process, &first, created)) return created;
    kernel_unmap(created, page);
    return first;
}

bool counts_enter(void) {
    struct counts_process *process = atomic_load(&counts_process);
    if (process == NULL) process = counts_create();
    if (process == NULL) return false;
    pthread_mutex_lock(&process->mutex);
    if (!process->has_counts) {
        counts_ranges.count = 0;
        counts_of_all.locks = 0;
        process->has_counts = true;
    }
    return true;
}

void counts_leave(void) { pthread_mutex_unlock(&atomic_load(&counts_process)->mutex); }

struct counts_all *counts_all(void) { return &counts_of_all; }

/* Changes the values of all ranges within the bounds, which have no gap, and joins equal ones. */
static void counts_change(uintptr_t low, uintptr_t high, int64_t added, uint64_t mask) {
    size_t first = ranges_find(&counts_ranges, low), i = first;
    while (i < counts_ranges.count && counts_ranges.at[i].low < high) {
        uint64_t *value = &counts_ranges.at[i].value;
        *value = (*value + (uint64_t)added) & mask;
        if (*value > 1)
            i++;
        else
            ranges_remove(&counts_ranges, i);
    }
    ranges_join(&counts_ranges, first, i);
}

bool counts_prepare(void) { return ranges_reserve(&counts_ranges, 2); }

bool counts_add(uintptr_t low, uintptr_t high) {
    /* The splits at `low` and `high` add two ranges, and there can be a gap before each range
     * within the bounds and after the last one. The change after this call may split two further
     * ranges. */
    size_t within = ranges_find(&counts_ranges, high) - ranges_find(&counts_ranges, low);
    if (!ranges_reserve(&counts_ranges, within + 6)) return false;
    ranges_split(&counts_ranges, low);
    ranges_split(&counts_ranges, high);
    size_t i = ranges_find(&counts_ranges, low);
    for (uintptr_t at = low; at < high; at = counts_ranges.at[i++].high) {
        uintptr_t end = i < counts_ranges.count ? counts_ranges.at[i].low : high;
        if (end == at) continue;
        struct range gap = {.low = at, .high = end < high ? end : high, .value = 1};
        ranges_insert(&counts_ranges, i, gap);
    }
    counts_change(low, high, 2, UINT64_MAX);
    return true;
}

void counts_set_resident(uintptr_t low, uintptr_t high) {
    ranges_split(&counts_ranges, low);
    ranges_split(&counts_ranges, high);
    counts_change(low, high, 0, ~(uint64_t)1);
}

void counts_subtract(uintptr_t low, uintptr_t high) {
    ranges_split(&counts_ranges, low);
    ranges_split(&counts_ranges, high);
    counts_change(low, high, -2, UINT64_MAX);
}

uint64_t counts_least(uintptr_t low, uintptr_t high) {
    uint64_t least = UINT64_MAX;
    struct counts_range range;
    for (uintptr_t at = low; at < high;) {
        uintptr_t start = at;
        if (!counts_next(&at, high, &range) || range.low != start) return 0;
        if (range.locks < least) least = range.locks;
    }
    return least;
}

bool counts_next(uintptr_t *at, uintptr_t high, struct counts_range *range) {
    size_t i = ranges_find(&counts_ranges, *at);
    if (*at >= high || i == counts_ranges.count || counts_ranges.at[i].low >= high) return false;
    const struct range *found = &counts_ranges.at[i];
    range->low = found->low > *at ? found->low : *at;
    range->high = found->high < high ? found->high : high;
    range->locks = found->value / 2;
    range->is_on_fault = found->value % 2 != 0;
    *at = range->high;
    return true;
}
