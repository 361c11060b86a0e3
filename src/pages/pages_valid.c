#include "pages/pages_valid.h"

#include "base/assert.h"
#include "pages/free_runs.h"
#include "pages/page_counts.h"

#ifdef MALLOW_ASSERTIONS

static bool pages_tag_is_free(uint64_t tag) {
    return tag_kind(tag) == RUN_FREE || tag_kind(tag) == RUN_FREE_END;
}

bool pages_run_is_valid(uint32_t page) {
    MALLOW_ASSERT(page >= GRANULE_PAGES);
    uint64_t tag = run_tag(page);
    size_t end = page + (size_t)tag_pages(tag);
    MALLOW_ASSERT(tag_kind(tag) != RUN_INSIDE);
    MALLOW_ASSERT(tag_kind(tag) != RUN_FREE_END);
    MALLOW_ASSERT(tag_kind(tag) <= RUN_FOREIGN);
    MALLOW_ASSERT(tag_pages(tag) != 0);
    MALLOW_ASSERT(end <= page_counts.top);
    MALLOW_ASSERT(tag_kind(tag) == RUN_FREE || !tag_dirty(tag));
    if (tag_kind(tag) == RUN_FREE) free_run_is_valid(page);
    uint64_t before = run_tag(page - 1);
    if (pages_tag_is_free(before)) {
        uint32_t first = page - tag_pages(before);
        MALLOW_ASSERT(free_run_is_valid(first));
        MALLOW_ASSERT(run_tag(first) == before || tag_pages(before) > 1);
        MALLOW_ASSERT(tag_kind(tag) != RUN_FREE || tag_dirty(tag) != tag_dirty(before));
    }
    if (end == page_counts.top) return true;
    uint64_t after = run_tag((uint32_t)end);
    MALLOW_ASSERT(tag_kind(after) != RUN_INSIDE);
    MALLOW_ASSERT(tag_kind(after) != RUN_FREE_END);
    MALLOW_ASSERT(!pages_tag_is_free(tag) || !pages_tag_is_free(after) ||
                  tag_dirty(tag) != tag_dirty(after));
    return true;
}

/* Checks one list and returns the number of its runs. dirty: its index in free_bins. */
static size_t pages_list_count(unsigned dirty, unsigned bin) {
    size_t count = 0;
    uint32_t before = 0;
    for (uint32_t page = free_bins[dirty].head[bin]; page != 0; page = run_of(page)->next) {
        MALLOW_ASSERT(run_of(page)->prev == before);
        MALLOW_ASSERT(free_run_is_valid(page));
        MALLOW_ASSERT(tag_dirty(run_tag(page)) == dirty);
        MALLOW_ASSERT(free_bin_of(tag_pages(run_tag(page))) == bin);
        before = page;
        count++;
    }
    MALLOW_ASSERT((count != 0) == (free_bins[dirty].nonempty[bin / 64] >> bin % 64 & 1));
    return count;
}

static size_t pages_valid_runs; /* found by the last pages_are_valid */

bool pages_are_valid(void) {
    struct page_counts seen = {.top = page_counts.top};
    pages_valid_runs = 0;
    for (uint32_t page = GRANULE_PAGES; page < seen.top; page += tag_pages(run_tag(page))) {
        uint64_t tag = run_tag(page);
        MALLOW_ASSERT(pages_run_is_valid(page));
        pages_valid_runs++;
        if (tag_kind(tag) == RUN_FREE) {
            seen.free_runs++;
            *(tag_dirty(tag) ? &seen.dirty : &seen.clean) += tag_pages(tag);
        } else if (tag_kind(tag) != RUN_FOREIGN) {
            seen.used += tag_pages(tag);
        }
    }
    size_t listed = 0;
    for (unsigned bin = 0; bin < BINS; bin++)
        listed += pages_list_count(0, bin) + pages_list_count(1, bin);
    MALLOW_ASSERT(listed == seen.free_runs);
    MALLOW_ASSERT(page_counts.free_runs == seen.free_runs);
    MALLOW_ASSERT(page_counts.used == seen.used);
    MALLOW_ASSERT(page_counts.dirty == seen.dirty);
    MALLOW_ASSERT(page_counts.clean == seen.clean);
    return true;
}

bool pages_are_valid_at_times(void) {
    static size_t calls;
    if (++calls < pages_valid_runs) return true;
    calls = 0;
    return pages_are_valid();
}

#endif
