#include "pages/purge.h"

#include "os/cgroup.h"
#include "os/lock.h"
#include "os/os.h"
#include "os/os_auxv.h"
#include "pages/pages.h"
#include "pages/purge_thread.h"

#define TICK_NS 200000000ll
#define RETAIN_MINIMUM ((size_t)4 * MIB)
#define BURST_MAX \
    ((size_t)128 * MIB >> RUN_SHIFT) /* pages kept within a tick, however few are used */
#define EXCHANGE_MAX ((size_t)64 * MIB >> RUN_SHIFT) /* more is rarely touched at once */

#define LITTLE ((size_t)1 * MIB >> RUN_SHIFT)
#define GROUP_PART 8 /* of what the control group allows may be kept, at most */

#define SLACK_MINIMUM ((size_t)256 * KIB >> RUN_SHIFT)

static size_t retain_bytes = SIZE_MAX;

static struct {
    _Atomic int64_t tick_end;
    size_t lowest_dirty; /* the fewest dirty pages during this tick */
} window;

void purge_set_retain(size_t bytes) { retain_bytes = bytes; }

bool purge_is_wanted(void) { return retain_bytes != PURGE_NEVER; }

size_t purge_slack(void) {
    if (retain_bytes == SIZE_MAX) return SIZE_MAX;
    return max_size(SLACK_MINIMUM, retain_bytes / 8 >> RUN_SHIFT);
}

/* Pages that the control group allows; asked for when there are enough to make a difference. */
static size_t group_pages(const struct page_counts *now) {
    static size_t limit;
    if (limit == 0 && now->dirty < LITTLE) return SIZE_MAX;
    if (limit == 0) limit = max_size(cgroup_memory_limit() >> RUN_SHIFT, 1);
    return limit;
}

static size_t budget_pages(const struct page_counts *now) {
    if (retain_bytes != SIZE_MAX) return retain_bytes >> RUN_SHIFT;
    size_t least = min_size(RETAIN_MINIMUM >> RUN_SHIFT, group_pages(now) / GROUP_PART);
    return max_size(least, now->used / 8);
}

/* What may be kept within a tick. */
static size_t burst_pages(const struct page_counts *now, size_t budget) {
    size_t burst = max_size(now->used, BURST_MAX);
    return max_size(2 * budget, min_size(burst, group_pages(now) / GROUP_PART));
}

/* Pages beyond what may be kept, however short a time. */
static size_t excess_pages(const struct page_counts *now) {
    size_t budget = budget_pages(now);
    if (retain_bytes == SIZE_MAX)
        return now->dirty - min_size(now->dirty, burst_pages(now, budget));
    size_t excess = now->dirty - min_size(now->dirty, budget);
    return excess > purge_slack() ? excess : 0;
}

bool purge_excess(void) {
    struct page_counts now = pages_count();
    size_t excess = excess_pages(&now);
    return excess > 0 && pages_purge(min_size(excess, PURGE_SLICE)) != 0 && excess > PURGE_SLICE;
}

/* What was free during all of the last tick goes; a slice of it, and the rest with the next calls.
 */
static bool purge_unused(size_t budget, int64_t now) {
    size_t unused = min_size(window.lowest_dirty, pages_count().dirty);
    size_t gone = unused > budget ? pages_purge(min_size(unused - budget, PURGE_SLICE)) : 0;
    window.lowest_dirty =
        unused > budget + PURGE_SLICE ? unused - PURGE_SLICE : pages_count().dirty;
    if (unused <= budget + PURGE_SLICE)
        atomic_store_explicit(&window.tick_end, now + TICK_NS, memory_order_relaxed);
    return gone != 0;
}

static bool tick_is_over(int64_t now) {
    return now >= atomic_load_explicit(&window.tick_end, memory_order_relaxed);
}

#define CALL_NS 100000ll /* decay looks at it once in 64 slow paths */

int64_t purge_now(void) {
    static _Atomic int64_t counted;
    int64_t now = os_is_placed_alike() ? 0 : os_coarse_ns();
    if (likely(now != 0)) return now;
    return atomic_fetch_add_explicit(&counted, CALL_NS, memory_order_relaxed) + CALL_NS;
}

void purge_after_free(void) {
    size_t before = pages_count().dirty;
    purge_excess();
    struct page_counts now = pages_count();
    size_t budget = budget_pages(&now);
    if (now.dirty <= budget) return;
    purge_thread_wake();
    if (retain_bytes != SIZE_MAX || now.dirty != before)
        return; /* a slice is all one call may do */
    int64_t time = purge_now();
    if (tick_is_over(time)) purge_unused(budget, time);
}

bool purge_look(int64_t now) {
    if (!tick_is_over(now)) return false;
    lock_take(&global_lock);
    pages_settle();
    struct page_counts count = pages_count();
    bool some = tick_is_over(now) && purge_unused(budget_pages(&count), now);
    lock_drop(&global_lock);
    return some;
}

bool purge_has_more(void) {
    lock_take(&global_lock);
    pages_settle();
    struct page_counts now = pages_count();
    bool more = now.dirty > budget_pages(&now);
    lock_drop(&global_lock);
    return more;
}

/* Dirty pages that are too many while fresh ones are used. */
static size_t above_allowance(void) {
    struct page_counts now = pages_count();
    size_t allowance = max_size(2 * budget_pages(&now), now.used / 2);
    return now.dirty > allowance ? now.dirty - allowance : 0;
}

void purge_after_alloc(size_t pages, bool clean) {
    window.lowest_dirty = min_size(window.lowest_dirty, pages_count().dirty);
    if (clean && pages <= PURGE_SLICE) pages_purge(min_size(pages, above_allowance()));
}

void purge_in_exchange(size_t pages) {
    for (size_t left = min_size(pages, EXCHANGE_MAX), gone = 1; left > 0 && gone > 0;) {
        lock_take(&global_lock);
        pages_settle();
        gone = pages_purge(min_size(min_size(left, PURGE_SLICE), above_allowance()));
        lock_drop(&global_lock);
        left -= min_size(left, gone);
    }
}
