#include "pages/pages.h"

#include "base/assert.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "os/open_lock.h"
#include "os/os.h"
#include "pages/free_runs.h"
#include "pages/meta.h"
#include "pages/pages_valid.h"
#include "pages/purge.h"
#include "pages/purge_runs.h"

#define LATER_MAX ((uint32_t)(4 * MIB >> RUN_SHIFT)) /* pages that may wait for the lock */

/* With randomize=on, a slab gets a random place in a stretch of free pages. When the top grows for
 * a slab, it grows by this many additional pages. */
#define SCATTER_PAGES (63 * GRANULE_PAGES)

/* Skips memory that something else has mapped after the top, if that is why the top cannot grow. */
static bool pages_pass_foreign(uint32_t pages, uint32_t align) {
    size_t top = page_counts.top, end = space.block_part.accessible >> RUN_SHIFT;
    size_t granules = ((size_t)pages + max_size(align, GRANULE_PAGES) - 1) / GRANULE_PAGES;
    size_t next = space_skip(granules) * GRANULE_PAGES;
    if (next == 0) return false;
    MALLOW_ASSERT(top <= end);
    MALLOW_ASSERT(end < next);
    run_set_tag((uint32_t)end, RUN_FOREIGN, (uint32_t)(next - end), false);
    page_counts.top = next;
    if (end > top) free_run_insert((uint32_t)top, (uint32_t)(end - top), false);
    return true;
}

/* NOLINTNEXTLINE(misc-no-recursion): each level passes a foreign mapping */
static bool pages_grow_top(uint32_t pages, uint32_t align) {
    size_t top = page_counts.top;
    size_t start = free_run_align(top, align);
    size_t end = start + pages;
    /* A free run that ends at the top is part of the fit. */
    uint64_t last = run_tag((uint32_t)top - 1);
    enum run_kind kind = tag_kind(last);
    if ((kind == RUN_FREE || kind == RUN_FREE_END) && !tag_dirty(last))
        end = max_size(top + 1, free_run_align(top - tag_pages(last), align) + pages);
    if (end > UINT32_MAX) return false;
    if (!space_grow((end + GRANULE_PAGES - 1) / GRANULE_PAGES))
        return pages_pass_foreign(pages, align) && pages_grow_top(pages, align);
    MALLOW_ASSERT(end > top);
    MALLOW_ASSERT(end <= space.granules * GRANULE_PAGES);
    page_counts.top = end;
    free_run_insert((uint32_t)top, (uint32_t)(end - top), false);
    return true;
}

/* Extends the longest dirty run over the clean pages after it. That takes fewer fresh pages than a
 * clean run would. */
static uint32_t pages_extend_dirty(uint32_t pages, enum run_kind kind) {
    uint32_t run = free_run_longest(&free_bins[1]);
    if (run == 0) return 0;
    uint32_t length = tag_pages(run_tag(run));
    if (length < pages / 4) return 0;
    free_run_carve(run, run, length, kind);
    if (pages_extend(run, pages)) return run;
    pages_free(run, false);
    return 0;
}

/* Takes a run, dirty pages first. Returns its first page, or 0 when no run fits. */
static uint32_t pages_take(uint32_t pages, uint32_t align, enum run_kind kind, bool *clean) {
    uint32_t run, start = free_run_find(&free_bins[1], pages, align, kind, &run);
    *clean = false;
    if (start == 0 && align == 1 && (start = pages_extend_dirty(pages, kind)) != 0) return start;
    if (start == 0) {
        start = free_run_find(&free_bins[0], pages, align, kind, &run);
        *clean = true;
    }
    if (start != 0) free_run_carve(run, start, pages, kind);
    return start;
}

uint32_t pages_alloc(uint32_t pages, uint32_t align, enum run_kind kind, bool *clean) {
    open_lock_assert_held(&global_lock);
    MALLOW_ASSERT(pages != 0);
    MALLOW_ASSERT(align != 0 && (align & (align - 1)) == 0);
    MALLOW_ASSERT(kind == RUN_BLOCK || kind == RUN_SLAB);
    pages_settle();
    for (bool purged = false, shrunk = kind != RUN_SLAB;;) {
        uint32_t start = pages_take(pages, align, kind, clean);
        if (start != 0) {
            MALLOW_ASSERT(free_run_align(start, align) == start);
            MALLOW_ASSERT(pages_run_is_valid(start));
            MALLOW_ASSERT(tag_pages(run_tag(start)) == pages && tag_kind(run_tag(start)) == kind);
            purge_after_alloc(pages, *clean);
            return start;
        }
        if (free_run_is_scattered(kind) && pages_grow_top(pages + SCATTER_PAGES, align)) continue;
        if (pages_grow_top(pages, align)) continue;
        /* Dirty and clean neighbours merge into one run once all pages are clean. */
        if (!purged && pages <= page_counts.dirty + page_counts.clean) {
            purged = true;
            if (purge_runs_dirty(SIZE_MAX) != 0) continue;
        }
        /* Only slabs do this here: a block may still become a mapping, and large.c gives memory
         * back when both ways have failed. */
        if (shrunk || !pages_give_back()) return 0;
        shrunk = true;
    }
}

void pages_free(uint32_t page, bool clean) {
    uint32_t pages = tag_pages(run_tag(page));
    open_lock_assert_held(&global_lock);
    MALLOW_ASSERT(tag_kind(run_tag(page)) >= RUN_LATER && tag_kind(run_tag(page)) <= RUN_SLAB);
    MALLOW_ASSERT(pages_run_is_valid(page));
    MALLOW_ASSERT(page_counts.used >= pages);
    page_counts.used -= pages;
    run_clear_tag(page);
    free_run_insert(page, pages, !clean);
    MALLOW_ASSERT(pages_are_valid_at_times());
}

/* ---- freed without the lock ---- */

/* A stack of page numbers, linked through run.next: any thread pushes, the lock's holder pops. */
static _Atomic uint32_t pages_later;
static _Atomic size_t pages_later_count;

static void pages_push_later(uint32_t page) {
    MALLOW_ASSERT(tag_kind(run_tag(page)) == RUN_LATER);
    uint32_t head = atomic_load_explicit(&pages_later, memory_order_relaxed);
    do {
        run_of(page)->next = head;
    } while (!atomic_compare_exchange_weak_explicit(&pages_later, &head, page, memory_order_release,
                                                    memory_order_relaxed));
}

/* Pops one page at a time, so that a holder of the lock that never continues loses no other page.
 * Only the holder pops, so a page that is at the top twice was there all the time. */
static uint32_t pages_pop_later(void) {
    uint32_t head = atomic_load_explicit(&pages_later, memory_order_acquire);
    while (head != 0 &&
           !atomic_compare_exchange_weak_explicit(&pages_later, &head, run_of(head)->next,
                                                  memory_order_acquire, memory_order_acquire))
        continue;
    return head;
}

/* Drops the lock between the slices of a long purge, so that other threads need not wait long. */
static void pages_settle_now(void) {
    struct lock_hold hold;
    for (bool more = true; more && open_lock_take(&global_lock, &hold);) {
        pages_settle();
        more = purge_excess();
        open_lock_drop(&global_lock, &hold);
    }
}

bool pages_free_later(uint32_t page) {
    uint64_t tag = run_tag(page);
    uint64_t freed = tag_pages(tag) | (uint64_t)RUN_LATER << 32;
    /* If two threads free the block at once, only one of them succeeds. */
    if (tag_kind(tag) != RUN_BLOCK ||
        !atomic_compare_exchange_strong_explicit(&run_of(page)->tag, &tag, freed,
                                                 memory_order_acq_rel, memory_order_relaxed))
        return false;
    pages_push_later(page);
    size_t waiting =
        atomic_fetch_add_explicit(&pages_later_count, tag_pages(freed), memory_order_relaxed);
    if (waiting + tag_pages(freed) > min_size(LATER_MAX, purge_slack())) pages_settle_now();
    return true;
}

void pages_settle(void) {
    open_lock_assert_held(&global_lock);
    if (atomic_load_explicit(&pages_later, memory_order_relaxed) == 0) return;
    atomic_store_explicit(&pages_later_count, 0, memory_order_relaxed);
    for (uint32_t page; (page = pages_pop_later()) != 0;) {
        MALLOW_ASSERT(tag_kind(run_tag(page)) == RUN_LATER);
        pages_free(page, false);
    }
    purge_after_free();
}

void pages_shrink(uint32_t page, uint32_t pages) {
    uint64_t tag = run_tag(page);
    open_lock_assert_held(&global_lock);
    MALLOW_ASSERT(tag_kind(tag) >= RUN_BLOCK);
    MALLOW_ASSERT(pages != 0 && pages < tag_pages(tag));
    uint32_t tail = tag_pages(tag) - pages;
    page_counts.used -= tail;
    run_set_tag(page, tag_kind(tag), pages, false);
    free_run_insert(page + pages, tail, true);
    MALLOW_ASSERT(pages_run_is_valid(page));
}

bool pages_extend(uint32_t page, uint32_t pages) {
    uint64_t tag = run_tag(page);
    uint32_t have = tag_pages(tag), next = page + have;
    open_lock_assert_held(&global_lock);
    MALLOW_ASSERT(tag_kind(tag) >= RUN_BLOCK);
    MALLOW_ASSERT(pages > have);
    MALLOW_ASSERT(next <= page_counts.top);
    if (next == page_counts.top && !pages_grow_top(pages - have, 1)) return false;
    uint64_t after = run_tag(next);
    if (tag_kind(after) != RUN_FREE) return false;
    if (have + tag_pages(after) < pages) {
        bool at_top = next + tag_pages(after) == page_counts.top;
        if (!at_top || tag_dirty(after) || !pages_grow_top(pages - have, 1)) return false;
        /* The top may have skipped foreign memory as it grew. */
        if (have + tag_pages(run_tag(next)) < pages) return false;
    }
    bool clean = !tag_dirty(run_tag(next));
    free_run_carve(next, next, pages - have, RUN_INSIDE);
    run_set_tag(page, tag_kind(tag), pages, false);
    purge_after_growth(pages - have, clean);
    MALLOW_ASSERT(pages_run_is_valid(page));
    return true;
}

/* Each adopted mapping stays a mapping of its own for the kernel, which allows 65,530 by default.
 */
#define ADOPTIONS_MAX 1024

/* Adopted pages need additional addresses, so none are adopted while many clean pages are free. */
static bool pages_may_adopt(size_t pages) {
    static unsigned adoptions;
    size_t end = (space.block_part.accessible >> RUN_SHIFT) + pages;
    bool room = page_counts.clean <= page_counts.used + page_counts.dirty + pages;
    return end <= UINT32_MAX && room && purge_would_keep(pages) && adoptions++ < ADOPTIONS_MAX;
}

bool pages_adopt(char *start, size_t bytes) {
    open_lock_assert_held(&global_lock);
    pages_settle();
    size_t top = page_counts.top, before = space.block_part.accessible >> RUN_SHIFT;
    if (!pages_may_adopt(bytes >> RUN_SHIFT) || !space_adopt(start, bytes)) return false;
    size_t end = space.block_part.accessible >> RUN_SHIFT;
    if (end == before) return true;
    page_counts.top = end;
    if (before > top) free_run_insert((uint32_t)top, (uint32_t)(before - top), false);
    free_run_insert((uint32_t)before, (uint32_t)(end - before), true);
    MALLOW_ASSERT(pages_are_valid_at_times());
    purge_after_free();
    return true;
}

RARE bool pages_give_back(void) {
    bool some = purge_runs_top();
    return meta_give_back() || some;
}

/* Discards a run for a slab that has no owner, because the slab was not finished or has retired.
 * Its memory may be inaccessible. Returns false if the run is something else. */
static bool pages_discard_unfinished(uint32_t page, uint64_t tag) {
    size_t first = page / GRANULE_PAGES, granules = tag_pages(tag) / GRANULE_PAGES;
    struct slab *head = slab_of(first);
    if (tag_kind(tag) != RUN_SLAB || head->kind == GRANULE_SHARED ||
        atomic_load_explicit(&head->owner, memory_order_relaxed) != NULL ||
        !os_commit(page_start(page), (size_t)tag_pages(tag) << RUN_SHIFT))
        return false;
    for (size_t i = 0; i < granules; i++) {
        atomic_store_explicit(&slab_of(first + i)->owner, NULL, memory_order_relaxed);
        slab_of(first + i)->kind = GRANULE_RUNS;
    }
    return true;
}

RARE void pages_rebuild(bool alone) {
    MALLOW_ASSERT(alone || open_lock_is_held(&global_lock));
    size_t top = page_counts.top;
    enum run_kind least_used = alone ? RUN_BLOCK : RUN_LATER;
    /* Runs that wait for the lock are free. But if there are other threads, they may be about to
     * push one, so the stack is kept. */
    if (alone) atomic_store_explicit(&pages_later, 0, memory_order_relaxed);
    free_runs_forget();
    uint32_t free_from = GRANULE_PAGES;
    for (uint32_t page = GRANULE_PAGES; page < top;) {
        uint64_t tag = run_tag(page);
        if (tag_kind(tag) >= least_used && !pages_discard_unfinished(page, tag)) {
            /* The state of these pages is unknown, so they count as dirty. */
            if (page > free_from) free_run_mark(free_from, page - free_from, true);
            if (tag_kind(tag) != RUN_FOREIGN) page_counts.used += tag_pages(tag);
            page += tag_pages(tag);
            free_from = page;
        } else {
            run_clear_tag(page++);
        }
    }
    if (top > free_from) free_run_mark(free_from, (uint32_t)(top - free_from), true);
    MALLOW_ASSERT(pages_are_valid());
}

struct page_counts pages_count(void) { return page_counts; }

uint32_t pages_find_start(uint32_t page) {
    while (page > 0) {
        uint64_t tag = run_tag(page);
        if (tag_kind(tag) != RUN_INSIDE && tag_kind(tag) != RUN_FREE_END) break;
        page--;
    }
    return page;
}
