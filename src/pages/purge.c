#include "pages/purge.h"

#include <stdatomic.h>

#include "base/assert.h"
#include "base/atomics.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "os/cgroup.h"
#include "os/open_lock.h"
#include "os/os.h"
#include "os/os_auxv.h"
#include "pages/mapping.h"
#include "pages/meta.h"
#include "pages/page_counts.h"
#include "pages/purge_runs.h"
#include "pages/purge_window.h"

#define REGRET_NS 1000000000ll
#define REGRET_PART 8
#define BURST_FIRST ((size_t)8 * MIB >> RUN_SHIFT)
#define BURST_SHOWN ((size_t)128 * MIB >> RUN_SHIFT)
#define RETAIN_MINIMUM ((size_t)4 * MIB)

/* At most an eighth of the control group's limit is kept for long, and a quarter for a short time.
 * A sixteenth of the limit is for memory that is not counted here: stacks, libraries, the kernel.
 */
#define GROUP_PART 8
#define GROUP_BURST_PART 4
#define GROUP_MARGIN 16

/* Free memory is in pieces, so the program may need an eighth more than its recent peak. */
#define PIECES_PART 8

#define SLACK_MINIMUM ((size_t)256 * KIB >> RUN_SHIFT)

static size_t purge_retain_bytes = SIZE_MAX;

/* Pages that had been unused for long when this tick began, and are to be purged during it. */
static _Atomic size_t purge_due;

/* Memory that the program frees and needs again within a second. Such a program is recognised the
 * first time, because it needs fresh pages soon after others were purged. A program that no longer
 * needs the memory is not affected. */
static struct {
    size_t allowed;  /* pages that are kept for a short time, however few are used */
    size_t returned; /* pages purged as excess */
    size_t missed;   /* fresh pages needed since then */
    int64_t until;   /* time at which both counts expire */
} purge_burst = {.allowed = BURST_FIRST};

/* The limit of the process's control group, in pages. */
static struct {
    size_t limit; /* the lowest of the groups it belongs to */
    size_t room;  /* the part of it that other processes do not use */
} purge_group = {SIZE_MAX, SIZE_MAX};

void purge_set_retain(size_t bytes) { purge_retain_bytes = bytes; }

bool purge_is_wanted(void) { return purge_retain_bytes != PURGE_NEVER; }

size_t purge_slack(void) {
    if (purge_retain_bytes == SIZE_MAX) return SIZE_MAX;
    return max_size(SLACK_MINIMUM, purge_retain_bytes / 8 >> RUN_SHIFT);
}

/* ---- the control group ---- */

/* Returns the pages that are not free, resident or not. */
static size_t purge_pages_in_use(void) {
    return page_counts.used + ((mapping_bytes() + meta_bytes_used()) >> RUN_SHIFT);
}

RARE void purge_read_group(void) {
    struct cgroup_memory memory = cgroup_memory();
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return;
    size_t ours = purge_pages_in_use() + page_counts.dirty; /* they are part of the group's usage */
    bool limited = memory.limit != SIZE_MAX;
    purge_group.limit = limited ? memory.limit >> RUN_SHIFT : SIZE_MAX;
    purge_group.room =
        limited ? min_size((memory.left >> RUN_SHIFT) + ours, purge_group.limit) : SIZE_MAX;
    open_lock_drop(&global_lock, &hold);
}

/* Purges up to `pages` dirty pages. Returns how many were purged. */
static size_t purge_dirty(size_t pages) {
    size_t gone = purge_runs_dirty(pages);
    purge_window_note_dirty(page_counts.dirty);
    return gone;
}

/* Returns how many free pages the group has room for: none when usage comes near the limit. */
static size_t purge_group_pages(void) {
    if (purge_group.limit == SIZE_MAX) return SIZE_MAX;
    size_t use = purge_pages_in_use() + purge_group.limit / GROUP_MARGIN;
    return purge_group.room - min_size(purge_group.room, use);
}

/* ---- how much ---- */

/* Returns the pages that may be kept such that, together with those in use, they stay below `most`.
 * In a control group, a quarter of the room stays for the other processes. */
static size_t purge_pages_below(size_t most) {
    size_t in_use = purge_pages_in_use();
    if (purge_group.room != SIZE_MAX) most = min_size(most, purge_group.room / 4 * 3);
    return most - min_size(most, in_use);
}

static size_t purge_budget_pages(void) {
    if (purge_retain_bytes != SIZE_MAX) return purge_retain_bytes >> RUN_SHIFT;
    size_t budget = max_size(RETAIN_MINIMUM >> RUN_SHIFT, page_counts.used / 8);
    return min_size(budget, min_size(purge_group.limit / GROUP_PART, purge_group_pages() / 2));
}

/* Returns how many free pages may be kept for a short time: as many as are used, because a block
 * that grows leaves its pages to the next one, and as many as the program has shown that it needs.
 * A control group never has less room for them than the program used a moment ago. */
static size_t purge_burst_pages(size_t budget) {
    size_t peak = purge_window_peak();
    size_t most = min_size(purge_group.limit / GROUP_BURST_PART, purge_group_pages() / 2);
    most = max_size(most, purge_pages_below(peak + peak / PIECES_PART));
    return max_size(budget, min_size(max_size(purge_burst.allowed, page_counts.used), most));
}

/* Returns the dirty pages that may not be kept even for a short time, or 0 while they are few, to
 * save system calls: half a slice by default. */
static size_t purge_excess_pages(void) {
    size_t budget = purge_budget_pages(), slack = purge_slack();
    if (purge_retain_bytes == SIZE_MAX) {
        budget = purge_burst_pages(budget);
        slack = min_size(PURGE_SLICE / 2, budget / 4);
    }
    size_t excess = page_counts.dirty - min_size(page_counts.dirty, budget);
    return excess > slack ? excess : 0;
}

bool purge_would_keep(size_t pages) {
    open_lock_assert_held(&global_lock);
    size_t budget = purge_budget_pages();
    if (purge_retain_bytes == SIZE_MAX) budget = purge_burst_pages(budget);
    return page_counts.dirty + pages <= budget;
}

bool purge_excess(void) {
    open_lock_assert_held(&global_lock);
    size_t excess = purge_excess_pages();
    if (excess == 0) return false;
    size_t gone = purge_dirty(min_size(excess, PURGE_SLICE));
    purge_burst.returned += gone;
    purge_burst.until = os_coarse_ns() + REGRET_NS;
    return gone != 0 && excess > PURGE_SLICE;
}

/* If an eighth of the purged pages (REGRET_PART) is needed again, all of them should have stayed.
 */
void purge_regret(size_t pages) {
    open_lock_assert_held(&global_lock);
    if (purge_burst.returned == 0) return;
    if (os_coarse_ns() >= purge_burst.until) purge_burst.returned = purge_burst.missed = 0;
    purge_burst.missed += pages;
    if (purge_burst.returned == 0 || purge_burst.missed < purge_burst.returned / REGRET_PART)
        return;
    purge_burst.allowed = max_size(purge_burst.allowed + purge_burst.returned,
                                   max_size(purge_window_peak(), BURST_SHOWN));
    purge_burst.returned = purge_burst.missed = 0;
}

/* Begins the next tick. If pages were unused for long, the program keeps no more from now on than
 * its recent peak explains. */
static void purge_next_tick(int64_t now) {
    purge_window_next_tick(now, page_counts.dirty, purge_pages_in_use());
    size_t unused = purge_window_unused(), budget = purge_budget_pages();
    size_t due = unused - min_size(unused, budget);
    atomic_store_explicit(&purge_due, due, memory_order_relaxed);
    if (due != 0)
        purge_burst.allowed = max_size(
            min_size(purge_burst.allowed, purge_pages_below(purge_window_peak())), BURST_FIRST);
}

bool purge_unused(int64_t now) {
    open_lock_assert_held(&global_lock);
    if (purge_window_tick_is_over(now)) purge_next_tick(now);
    size_t due = min_size(atomic_load_explicit(&purge_due, memory_order_relaxed),
                          page_counts.dirty - min_size(page_counts.dirty, purge_budget_pages()));
    size_t gone = due != 0 ? purge_dirty(min_size(due, PURGE_SLICE)) : 0;
    size_t left = gone != 0 ? due - min_size(due, gone) : 0;
    atomic_store_explicit(&purge_due, left, memory_order_relaxed);
    return gone != 0;
}

bool purge_is_due(int64_t now) {
    return purge_window_tick_is_over(now) ||
           atomic_load_explicit(&purge_due, memory_order_relaxed) != 0;
}

#define CALL_NS 100000ll /* decay reads this clock once in 64 slow paths */

int64_t purge_now(void) {
    static _Atomic int64_t counted;
    int64_t now = os_is_placed_alike() ? 0 : os_coarse_ns();
    if (likely(now != 0)) return now;
    return atomic_fetch_add_explicit(&counted, CALL_NS, memory_order_relaxed) + CALL_NS;
}

void purge_after_free(void) {
    open_lock_assert_held(&global_lock);
    size_t before = page_counts.dirty;
    purge_excess();
    size_t budget = purge_budget_pages();
    if (page_counts.dirty <= budget) return;
    purge_wake();
    if (purge_retain_bytes != SIZE_MAX || page_counts.dirty != before)
        return; /* one call purges at most one slice */
    int64_t time = purge_now();
    if (purge_is_due(time)) purge_unused(time);
}

bool purge_exceeds_budget(void) {
    open_lock_assert_held(&global_lock);
    return page_counts.dirty > purge_budget_pages();
}

/* Returns the dirty pages that should be purged when fresh ones are used. */
static size_t purge_above_allowance(void) {
    size_t allowance = max_size(2 * purge_budget_pages(), page_counts.used / 2);
    allowance = max_size(allowance, purge_pages_below(purge_window_peak()));
    allowance = min_size(allowance, purge_group_pages());
    return page_counts.dirty > allowance ? page_counts.dirty - allowance : 0;
}

size_t purge_exchange(size_t pages) {
    open_lock_assert_held(&global_lock);
    purge_window_note_used(purge_pages_in_use());
    return purge_dirty(min_size(pages, purge_above_allowance()));
}

bool purge_has_group(void) { return racy_load(size_t, &purge_group.limit) != SIZE_MAX; }

bool purge_for_group(void) {
    open_lock_assert_held(&global_lock);
    size_t room = purge_group_pages();
    size_t over = page_counts.dirty - min_size(page_counts.dirty, room);
    return over != 0 && purge_dirty(min_size(over, PURGE_SLICE)) != 0 && over > PURGE_SLICE;
}

void purge_after_growth(size_t pages, bool clean) {
    open_lock_assert_held(&global_lock);
    purge_window_note_dirty(page_counts.dirty);
    purge_window_note_used(purge_pages_in_use());
    if (clean) purge_regret(pages);
    purge_for_group();
}

void purge_after_alloc(size_t pages, bool clean) {
    open_lock_assert_held(&global_lock);
    MALLOW_ASSERT(pages != 0);
    purge_after_growth(pages, clean);
    if (clean && pages <= PURGE_SLICE) purge_exchange(pages);
}

/* ---- the purge thread ---- */

_Atomic int purge_sleeper;

void purge_wake_sleeper(void) {
    atomic_store_explicit(&purge_sleeper, 0, memory_order_relaxed);
    os_wake_one(&purge_sleeper);
}
