#include "pages/free_runs.h"

#include "base/assert.h"
#include "base/numbers.h"
#include "os/os.h"
#include "pages/page_counts.h"

#define SEARCH_MAX 16 /* runs examined in one bin before a longer run is split instead */

struct free_bins free_bins[2];

unsigned free_bin_of(uint32_t pages) {
    MALLOW_ASSERT(pages != 0);
    if (pages <= EXACT_BINS) return pages - 1;
    unsigned e = 31u - (unsigned)__builtin_clz(pages);
    unsigned bin = EXACT_BINS + (e - 5) * 4 + ((pages >> (e - 2)) & 3);
    return bin < BINS ? bin : BINS - 1;
}

static void free_run_list(uint32_t page, uint32_t pages, bool dirty) {
    struct free_bins *bins = &free_bins[dirty];
    unsigned bin = free_bin_of(pages);
    struct run *run = run_of(page);
    MALLOW_ASSERT(page >= GRANULE_PAGES);
    MALLOW_ASSERT(page + (size_t)pages <= page_counts.top);
    MALLOW_ASSERT(bins->head[bin] != page);
    MALLOW_ASSERT((bins->head[bin] != 0) == (bins->nonempty[bin / 64] >> bin % 64 & 1));
    run->prev = 0;
    run->next = bins->head[bin];
    if (run->next != 0) run_of(run->next)->prev = page;
    bins->head[bin] = page;
    bins->nonempty[bin / 64] |= (uint64_t)1 << (bin % 64);
    page_counts.free_runs++;
    *(dirty ? &page_counts.dirty : &page_counts.clean) += pages;
}

static void free_run_unlist(uint32_t page, uint32_t pages, bool dirty) {
    struct free_bins *bins = &free_bins[dirty];
    unsigned bin = free_bin_of(pages);
    struct run *run = run_of(page);
    MALLOW_ASSERT(run->next == 0 || run_of(run->next)->prev == page);
    MALLOW_ASSERT((run->prev != 0 ? run_of(run->prev)->next : bins->head[bin]) == page);
    MALLOW_ASSERT((dirty ? page_counts.dirty : page_counts.clean) >= pages);
    MALLOW_ASSERT(page_counts.free_runs != 0);
    if (run->next != 0) run_of(run->next)->prev = run->prev;
    if (run->prev != 0)
        run_of(run->prev)->next = run->next;
    else if ((bins->head[bin] = run->next) == 0)
        bins->nonempty[bin / 64] &= ~((uint64_t)1 << (bin % 64));
    page_counts.free_runs--;
    *(dirty ? &page_counts.dirty : &page_counts.clean) -= pages;
}

void free_run_mark(uint32_t page, uint32_t pages, bool dirty) {
    MALLOW_ASSERT(pages != 0);
    MALLOW_ASSERT(tag_kind(run_tag(page)) == RUN_INSIDE);
    MALLOW_ASSERT(tag_kind(run_tag(page + pages - 1)) == RUN_INSIDE);
    run_set_tag(page, RUN_FREE, pages, dirty);
    if (pages > 1) run_set_tag(page + pages - 1, RUN_FREE_END, pages, dirty);
    free_run_list(page, pages, dirty);
}

void free_run_unmark(uint32_t page, uint32_t pages, bool dirty) {
    MALLOW_ASSERT(free_run_is_valid(page));
    MALLOW_ASSERT(tag_pages(run_tag(page)) == pages);
    MALLOW_ASSERT(tag_dirty(run_tag(page)) == dirty);
    free_run_unlist(page, pages, dirty);
    run_clear_tag(page);
    run_clear_tag(page + pages - 1);
}

void free_run_insert(uint32_t page, uint32_t pages, bool dirty) {
    uint64_t before = run_tag(page - 1);
    enum run_kind kind = tag_kind(before);
    if ((kind == RUN_FREE || kind == RUN_FREE_END) && tag_dirty(before) == dirty) {
        uint32_t length = tag_pages(before);
        free_run_unmark(page - length, length, dirty);
        page -= length;
        pages += length;
    }
    if (page + pages < page_counts.top) {
        uint64_t after = run_tag(page + pages);
        if (tag_kind(after) == RUN_FREE && tag_dirty(after) == dirty) {
            uint32_t length = tag_pages(after);
            free_run_unmark(page + pages, length, dirty);
            pages += length;
        }
    }
    free_run_mark(page, pages, dirty);
}

size_t free_run_align(size_t page, size_t align) {
    MALLOW_ASSERT(align != 0 && (align & (align - 1)) == 0);
    size_t base = (uintptr_t)space.base >> RUN_SHIFT;
    return round_up(base + page, align) - base;
}

/* Returns the first aligned page in the free run from which `pages` pages fit, or 0. */
static uint32_t free_run_fit(uint32_t page, uint32_t pages, uint32_t align) {
    size_t start = free_run_align(page, align);
    return start + pages <= page + tag_pages(run_tag(page)) ? (uint32_t)start : 0;
}

/* Searches the runs of one kind for a fit, from the bin of the shortest runs up. Returns its first
 * page, or 0; *found is the run that contains it. */
static uint32_t free_run_search(const struct free_bins *bins, uint32_t pages, uint32_t align,
                                uint32_t *found) {
    unsigned bin = free_bin_of(pages);
    for (unsigned word = bin / 64; word < BIN_WORDS; word++) {
        uint64_t left = bins->nonempty[word];
        if (word == bin / 64) left &= ~(uint64_t)0 << (bin % 64);
        for (; left != 0; left &= left - 1) {
            unsigned b = word * 64 + (unsigned)__builtin_ctzl(left);
            int looked = 0;
            for (uint32_t page = bins->head[b]; page != 0; page = run_of(page)->next) {
                uint32_t start = free_run_fit(page, pages, align);
                if (start != 0) {
                    *found = page;
                    return start;
                }
                if (++looked == SEARCH_MAX && b != BINS - 1) break;
            }
        }
    }
    return 0;
}

uint32_t free_run_longest(const struct free_bins *bins) {
    for (unsigned word = BIN_WORDS; word-- > 0;) {
        uint64_t left = bins->nonempty[word];
        if (left != 0) return bins->head[word * 64 + 63 - (unsigned)__builtin_clzl(left)];
    }
    return 0;
}

uint32_t free_run_find(const struct free_bins *bins, uint32_t pages, uint32_t align,
                       enum run_kind kind, uint32_t *found) {
    uint32_t run = free_run_is_scattered(kind) ? free_run_longest(bins) : 0;
    uint32_t start = run == 0 ? 0 : free_run_fit(run, pages, align);
    if (start == 0) return free_run_search(bins, pages, align, found);
    *found = run;
    uint64_t fits = (run + tag_pages(run_tag(run)) - pages - start) / align + 1;
    return start + (uint32_t)((os_random() >> 32) * fits >> 32) * align;
}

void free_run_carve(uint32_t run, uint32_t start, uint32_t pages, enum run_kind kind) {
    uint64_t tag = run_tag(run);
    bool dirty = tag_dirty(tag);
    uint32_t end = run + tag_pages(tag);
    MALLOW_ASSERT(tag_kind(tag) == RUN_FREE);
    MALLOW_ASSERT(run <= start);
    MALLOW_ASSERT(pages != 0 && start + pages <= end);
    MALLOW_ASSERT(kind == RUN_INSIDE || kind >= RUN_BLOCK);
    free_run_unmark(run, tag_pages(tag), dirty);
    if (start > run) free_run_mark(run, start - run, dirty);
    if (start + pages < end) free_run_mark(start + pages, end - start - pages, dirty);
    page_counts.used += pages;
    run_set_tag(start, kind, pages, false);
}

struct page_range free_run_whole_pages(uint32_t run) {
    MALLOW_ASSERT(tag_kind(run_tag(run)) == RUN_FREE);
    uint32_t unit = (uint32_t)(os_page_size() / RUN_PAGE), end = run + tag_pages(run_tag(run));
    return (struct page_range){(run + unit - 1) & ~(unit - 1), end & ~(unit - 1)};
}

uint32_t free_run_longest_purgeable(void) {
    for (unsigned word = BIN_WORDS; word-- > 0;) {
        for (uint64_t left = free_bins[1].nonempty[word]; left != 0;) {
            unsigned bit = 63 - (unsigned)__builtin_clzl(left);
            uint32_t run = free_bins[1].head[word * 64 + bit];
            for (; run != 0; run = run_of(run)->next)
                if (free_run_whole_pages(run).first < free_run_whole_pages(run).end) return run;
            left &= ~((uint64_t)1 << bit);
        }
    }
    return 0;
}

void free_runs_forget(void) {
    page_counts.used = page_counts.dirty = page_counts.clean = page_counts.free_runs = 0;
    for (int kind = 0; kind < 2; kind++) free_bins[kind] = (struct free_bins){0};
}

#ifdef MALLOW_ASSERTIONS
bool free_run_is_valid(uint32_t page) {
    uint64_t tag = run_tag(page);
    MALLOW_ASSERT(tag_kind(tag) == RUN_FREE);
    MALLOW_ASSERT(tag_pages(tag) != 0);
    MALLOW_ASSERT(page + (size_t)tag_pages(tag) <= page_counts.top);
    if (tag_pages(tag) == 1) return true;
    uint64_t end = run_tag(page + tag_pages(tag) - 1);
    MALLOW_ASSERT(tag_kind(end) == RUN_FREE_END);
    MALLOW_ASSERT(tag_pages(end) == tag_pages(tag));
    MALLOW_ASSERT(tag_dirty(end) == tag_dirty(tag));
    return true;
}
#endif
