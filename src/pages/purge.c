#include "pages/purge.h"

#include <stdatomic.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "os/cgroup.h"
#include "os/open_lock.h"
#include "os/os.h"
#include "os/os_auxv.h"
#include "pages/mapping.h"
#include "pages/meta.h"
#include "pages/pages.h"

#define TICK_NS 200000000ll
#define REGRET_NS (5 * TICK_NS)
#define REGRET_PART 8
#define BURST_FIRST ((size_t)8 * MIB >> RUN_SHIFT)
#define BURST_SHOWN ((size_t)128 * MIB >> RUN_SHIFT)
#define RETAIN_MINIMUM ((size_t)4 * MIB)
#define EXCHANGE_MAX ((size_t)64 * MIB >> RUN_SHIFT) /* more is rarely touched at once */

#define GROUP_PART 8    /* of what the control group allows may be kept, at most */
#define GROUP_MARGIN 16 /* of it is for what is not counted here: stacks, libraries, the kernel */

#define SLACK_MINIMUM ((size_t)256 * KIB >> RUN_SHIFT)

static size_t retain_bytes = SIZE_MAX;

static struct {
    _Atomic int64_t tick_end;
    size_t lowest_dirty; /* the fewest dirty pages during this tick */
} window;

/* What the program frees and needs again within a second. A program that does so shows it the first
 * time, when what went has to be fetched again; one that has freed what it will not need does not.
 */
static struct {
    size_t allowed;  /* pages that are kept within a tick, however few are used */
    size_t returned; /* pages that went as excess, */
    size_t missed;   /* and fresh ones that were needed since: */
    int64_t until;   /* both count until then */
} burst = {.allowed = BURST_FIRST};

/* What the process's control group allows, in pages. */
static struct {
    size_t limit; /* the tightest of the groups' */
    size_t room;  /* what other processes leave of it */
} purge_group = {SIZE_MAX, SIZE_MAX};

void purge_set_retain(size_t bytes) { retain_bytes = bytes; }

bool purge_is_wanted(void) { return retain_bytes != PURGE_NEVER; }

size_t purge_slack(void) {
    if (retain_bytes == SIZE_MAX) return SIZE_MAX;
    return max_size(SLACK_MINIMUM, retain_bytes / 8 >> RUN_SHIFT);
}

/* ---- the control group ---- */

/* Pages that are not free, resident or not. */
static size_t pages_in_use(const struct page_counts *now) {
    return now->used + ((mapping_bytes() + meta_bytes_used()) >> RUN_SHIFT);
}

RARE void purge_read_group(void) {
    struct cgroup_memory memory = cgroup_memory();
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return;
    struct page_counts now = pages_count();
    size_t ours = pages_in_use(&now) + now.dirty; /* a part of what is in use there */
    bool limited = memory.limit != SIZE_MAX;
    purge_group.limit = limited ? memory.limit >> RUN_SHIFT : SIZE_MAX;
    purge_group.room =
        limited ? min_size((memory.left >> RUN_SHIFT) + ours, purge_group.limit) : SIZE_MAX;
    open_lock_drop(&global_lock, &hold);
}

/* Free pages that the group has room for; none when what is in use comes near the limit. */
static size_t group_pages(const struct page_counts *now) {
    if (purge_group.limit == SIZE_MAX) return SIZE_MAX;
    size_t use = pages_in_use(now) + purge_group.limit / GROUP_MARGIN;
    return purge_group.room - min_size(purge_group.room, use);
}

/* ---- how much ---- */

static size_t budget_pages(const struct page_counts *now) {
    if (retain_bytes != SIZE_MAX) return retain_bytes >> RUN_SHIFT;
    size_t budget = max_size(RETAIN_MINIMUM >> RUN_SHIFT, now->used / 8);
    return min_size(budget, min_size(purge_group.limit / GROUP_PART, group_pages(now) / 2));
}

/* What may be kept within a tick: as much as is used, for a block that grows leaves its pages to
 * the next one, and what the program has shown that it needs. */
static size_t burst_pages(const struct page_counts *now, size_t budget) {
    size_t most = min_size(purge_group.limit / GROUP_PART, group_pages(now) / 2);
    return max_size(budget, min_size(max_size(burst.allowed, now->used), most));
}

/* Pages beyond what may be kept, however short a time: half a slice, for fewer system calls. */
static size_t excess_pages(const struct page_counts *now) {
    size_t budget = budget_pages(now), slack = purge_slack();
    if (retain_bytes == SIZE_MAX) {
        budget = burst_pages(now, budget);
        slack = min_size(PURGE_SLICE / 2, budget / 4);
    }
    size_t excess = now->dirty - min_size(now->dirty, budget);
    return excess > slack ? excess : 0;
}

bool purge_excess(void) {
    open_lock_assert_held(&global_lock);
    struct page_counts now = pages_count();
    size_t excess = excess_pages(&now);
    if (excess == 0) return false;
    size_t gone = pages_purge(min_size(excess, PURGE_SLICE));
    burst.returned += gone;
    burst.until = os_coarse_ns() + REGRET_NS;
    return gone != 0 && excess > PURGE_SLICE;
}

/* Once a part of what went is needed again, all of it should have stayed. */
void purge_regret(size_t pages) {
    open_lock_assert_held(&global_lock);
    if (burst.returned == 0) return;
    if (os_coarse_ns() >= burst.until) burst.returned = burst.missed = 0;
    burst.missed += pages;
    if (burst.returned == 0 || burst.missed < burst.returned / REGRET_PART) return;
    burst.allowed = max_size(burst.allowed + burst.returned, BURST_SHOWN);
    burst.returned = burst.missed = 0;
}

/* What was free during all of the last tick goes; a slice of it, and the rest with the next calls.
 */
static bool purge_unused(size_t budget, int64_t now) {
    open_lock_assert_held(&global_lock);
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
    open_lock_assert_held(&global_lock);
    size_t before = pages_count().dirty;
    purge_excess();
    struct page_counts now = pages_count();
    size_t budget = budget_pages(&now);
    if (now.dirty <= budget) return;
    purge_wake();
    if (retain_bytes != SIZE_MAX || now.dirty != before)
        return; /* a slice is all one call may do */
    int64_t time = purge_now();
    if (tick_is_over(time)) purge_unused(budget, time);
}

bool purge_look(int64_t now) {
    if (!tick_is_over(now)) return false;
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return false;
    pages_settle();
    struct page_counts count = pages_count();
    bool some = tick_is_over(now) && purge_unused(budget_pages(&count), now);
    open_lock_drop(&global_lock, &hold);
    return some;
}

bool purge_has_more(void) {
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return false;
    pages_settle();
    struct page_counts now = pages_count();
    bool more = now.dirty > budget_pages(&now);
    open_lock_drop(&global_lock, &hold);
    return more;
}

/* Dirty pages that are too many while fresh ones are used. */
static size_t above_allowance(void) {
    open_lock_assert_held(&global_lock);
    struct page_counts now = pages_count();
    size_t allowance = max_size(2 * budget_pages(&now), now.used / 2);
    allowance = min_size(allowance, group_pages(&now));
    return now.dirty > allowance ? now.dirty - allowance : 0;
}

void purge_after_alloc(size_t pages, bool clean) {
    open_lock_assert_held(&global_lock);
    MALLOW_ASSERT(pages != 0);
    window.lowest_dirty = min_size(window.lowest_dirty, pages_count().dirty);
    if (clean) purge_regret(pages);
    if (clean && pages <= PURGE_SLICE) pages_purge(min_size(pages, above_allowance()));
}

void purge_in_exchange(size_t pages) {
    struct lock_hold hold;
    bool first = true;
    for (size_t left = min_size(pages, EXCHANGE_MAX), gone = 1; left > 0 && gone > 0;) {
        if (!open_lock_take(&global_lock, &hold)) return;
        pages_settle();
        if (first) purge_regret(pages);
        first = false;
        gone = pages_purge(min_size(min_size(left, PURGE_SLICE), above_allowance()));
        open_lock_drop(&global_lock, &hold);
        left -= min_size(left, gone);
    }
}

/* ---- the count ---- */

static _Atomic uint64_t purged_total;

void purge_count(size_t bytes) {
    atomic_fetch_add_explicit(&purged_total, bytes, memory_order_relaxed);
}

uint64_t purge_total(void) { return atomic_load_explicit(&purged_total, memory_order_relaxed); }

/* ---- the purge thread ---- */

_Atomic int purge_sleeper;

void purge_wake_sleeper(void) {
    atomic_store_explicit(&purge_sleeper, 0, memory_order_relaxed);
    os_wake_one(&purge_sleeper);
}
