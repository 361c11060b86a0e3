#include "pages/purge_runs.h"

#include "base/assert.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "os/open_lock.h"
#include "os/os.h"
#include "pages/free_runs.h"
#include "pages/page_counts.h"
#include "pages/pages_valid.h"
#include "pages/space.h"

/* Purges the last `pages` pages of a dirty run, rounded up to whole pages of the kernel. */
static bool purge_runs_tail(uint32_t run, uint32_t pages) {
    uint32_t length = tag_pages(run_tag(run)), unit = (uint32_t)(os_page_size() / RUN_PAGE);
    struct page_range gone = free_run_whole_pages(run);
    if (gone.first >= gone.end) return false;
    uint32_t most = (pages + unit - 1) & ~(unit - 1);
    if (gone.end - gone.first > most) gone.first = gone.end - most;
    uint32_t count = gone.end - gone.first;
    MALLOW_ASSERT(tag_dirty(run_tag(run)));
    MALLOW_ASSERT(run <= gone.first && gone.end <= run + length);
    if (!os_purge(page_start(gone.first), (size_t)count << RUN_SHIFT)) return false;
    page_counts_add_purged((size_t)count << RUN_SHIFT);
    free_run_unmark(run, length, true);
    if (gone.first > run) free_run_mark(run, gone.first - run, true);
    if (gone.end < run + length) free_run_mark(gone.end, run + length - gone.end, true);
    free_run_insert(gone.first, count, false);
    return true;
}

size_t purge_runs_dirty(size_t pages) {
    open_lock_assert_held(&global_lock);
    size_t done = 0;
    while (done < pages) {
        uint32_t run = free_run_longest_purgeable();
        if (run == 0) break;
        uint32_t part = (uint32_t)min_size(tag_pages(run_tag(run)), pages - done);
        size_t before = page_counts.dirty;
        if (!purge_runs_tail(run, part)) break;
        done += before - page_counts.dirty;
    }
    return done;
}

/* Returns the clean run that ends at the top, or 0. Purges a dirty run at the top first. */
/* NOLINTNEXTLINE(misc-no-recursion): once more, after the dirty pages are purged */
static uint32_t purge_runs_last(void) {
    uint64_t last = run_tag((uint32_t)page_counts.top - 1);
    enum run_kind kind = tag_kind(last);
    if (kind != RUN_FREE && kind != RUN_FREE_END) return 0;
    uint32_t run = (uint32_t)page_counts.top - tag_pages(last);
    if (!tag_dirty(last)) return run;
    purge_runs_tail(run, tag_pages(last));
    return tag_dirty(run_tag((uint32_t)page_counts.top - 1)) ? 0 : purge_runs_last();
}

RARE bool purge_runs_top(void) {
    open_lock_assert_held(&global_lock);
    if (space.granules == 0) return false;
    for (uint32_t run; (run = purge_runs_last()) != 0; page_counts.top = run)
        free_run_unmark(run, tag_pages(run_tag(run)), false);
    MALLOW_ASSERT(pages_are_valid());
    return space_give_back(round_up(page_counts.top << RUN_SHIFT, GRANULE));
}
