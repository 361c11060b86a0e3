#include "pages/pages.h"

#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "os/open_lock.h"
#include "os/os.h"
#include "pages/meta.h"
#include "pages/purge.h"

/*
 * Bins of free runs by length: 1..32 pages exactly, then four to a doubling. A bin holds runs of
 * at least its own length, so every run of a higher bin fits and the bin itself must be searched.
 */
#define EXACT_BINS 32u
#define BINS (EXACT_BINS + 4u * 22u)
#define BIN_WORDS ((BINS + 63) / 64)
#define LATER_MAX ((uint32_t)(4 * MIB >> RUN_SHIFT)) /* pages that may wait for the lock */
#define SEARCH_MAX 16 /* runs looked at in one bin before a longer run is split instead */

struct bins {
    uint32_t head[BINS];
    uint64_t nonempty[BIN_WORDS];
};

static struct bins free_bins[2];                           /* [0] clean, [1] dirty */
static struct page_counts totals = {.top = GRANULE_PAGES}; /* granule 0 stays unused: 0 is none */

static unsigned bin_of(uint32_t pages) {
    if (pages <= EXACT_BINS) return pages - 1;
    unsigned e = 31u - (unsigned)__builtin_clz(pages);
    unsigned bin = EXACT_BINS + (e - 5) * 4 + ((pages >> (e - 2)) & 3);
    return bin < BINS ? bin : BINS - 1;
}

static void set_tag(uint32_t page, enum run_kind kind, uint32_t pages, bool dirty) {
    uint64_t tag = pages | (uint64_t)kind << 32 | (uint64_t)dirty << 40;
    atomic_store_explicit(&run_of(page)->tag, tag, memory_order_relaxed);
}

static void clear_tag(uint32_t page) {
    atomic_store_explicit(&run_of(page)->tag, 0, memory_order_relaxed);
}

static void run_list_add(uint32_t page, uint32_t pages, bool dirty) {
    struct bins *bins = &free_bins[dirty];
    unsigned bin = bin_of(pages);
    struct run *run = run_of(page);
    run->prev = 0;
    run->next = bins->head[bin];
    if (run->next != 0) run_of(run->next)->prev = page;
    bins->head[bin] = page;
    bins->nonempty[bin / 64] |= (uint64_t)1 << (bin % 64);
    totals.free_runs++;
    *(dirty ? &totals.dirty : &totals.clean) += pages;
}

static void run_list_remove(uint32_t page, uint32_t pages, bool dirty) {
    struct bins *bins = &free_bins[dirty];
    unsigned bin = bin_of(pages);
    struct run *run = run_of(page);
    if (run->next != 0) run_of(run->next)->prev = run->prev;
    if (run->prev != 0)
        run_of(run->prev)->next = run->next;
    else if ((bins->head[bin] = run->next) == 0)
        bins->nonempty[bin / 64] &= ~((uint64_t)1 << (bin % 64));
    totals.free_runs--;
    *(dirty ? &totals.dirty : &totals.clean) -= pages;
}

static void mark_free(uint32_t page, uint32_t pages, bool dirty) {
    set_tag(page, RUN_FREE, pages, dirty);
    if (pages > 1) set_tag(page + pages - 1, RUN_FREE_END, pages, dirty);
    run_list_add(page, pages, dirty);
}

static void unmark_free(uint32_t page, uint32_t pages, bool dirty) {
    run_list_remove(page, pages, dirty);
    clear_tag(page);
    clear_tag(page + pages - 1);
}

/* Adds [page, page+pages) to the free runs, merged with free neighbours of the same kind. */
static void insert_free(uint32_t page, uint32_t pages, bool dirty) {
    uint64_t before = run_tag(page - 1);
    enum run_kind kind = tag_kind(before);
    if ((kind == RUN_FREE || kind == RUN_FREE_END) && tag_dirty(before) == dirty) {
        uint32_t length = tag_pages(before);
        unmark_free(page - length, length, dirty);
        page -= length;
        pages += length;
    }
    if (page + pages < totals.top) {
        uint64_t after = run_tag(page + pages);
        if (tag_kind(after) == RUN_FREE && tag_dirty(after) == dirty) {
            uint32_t length = tag_pages(after);
            unmark_free(page + pages, length, dirty);
            pages += length;
        }
    }
    mark_free(page, pages, dirty);
}

/* The first page from `page` on whose address is a multiple of `align` pages. */
static size_t align_page(size_t page, size_t align) {
    size_t base = (uintptr_t)space.base >> RUN_SHIFT;
    return round_up(base + page, align) - base;
}

/* The first page of an aligned fit in the free run, or 0. */
static uint32_t run_fit(uint32_t page, uint32_t pages, uint32_t align) {
    size_t start = align_page(page, align);
    return start + pages <= page + tag_pages(run_tag(page)) ? (uint32_t)start : 0;
}

/* The first fit among the runs of one kind, shortest bins first; *found is the run it is in. */
static uint32_t search(const struct bins *bins, uint32_t pages, uint32_t align, uint32_t *found) {
    unsigned bin = bin_of(pages);
    for (unsigned word = bin / 64; word < BIN_WORDS; word++) {
        uint64_t left = bins->nonempty[word];
        if (word == bin / 64) left &= ~(uint64_t)0 << (bin % 64);
        for (; left != 0; left &= left - 1) {
            unsigned b = word * 64 + (unsigned)__builtin_ctzl(left);
            int looked = 0;
            for (uint32_t page = bins->head[b]; page != 0; page = run_of(page)->next) {
                uint32_t start = run_fit(page, pages, align);
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

/* Turns [start, start+pages) inside the free run into a used one; the rest stays free. */
static void run_carve(uint32_t run, uint32_t start, uint32_t pages, enum run_kind kind) {
    uint64_t tag = run_tag(run);
    bool dirty = tag_dirty(tag);
    uint32_t end = run + tag_pages(tag);
    unmark_free(run, tag_pages(tag), dirty);
    if (start > run) mark_free(run, start - run, dirty);
    if (start + pages < end) mark_free(start + pages, end - start - pages, dirty);
    totals.used += pages;
    set_tag(start, kind, pages, false);
}

/* With randomize=on slabs are put anywhere in a stretch of free pages, of which there are so many
 * more than needed when the top has to grow for one. */
#define SCATTER_PAGES (63 * GRANULE_PAGES)

static bool is_scattered(enum run_kind kind) { return settings.randomize && kind == RUN_SLAB; }

/* Leaves out what somebody else has mapped behind the top, if that is why it cannot grow. */
static bool pass_foreign(uint32_t pages, uint32_t align) {
    size_t top = totals.top, end = space.block_part.accessible >> RUN_SHIFT;
    size_t granules = ((size_t)pages + max_size(align, GRANULE_PAGES) - 1) / GRANULE_PAGES;
    size_t next = space_skip(granules) * GRANULE_PAGES;
    if (next == 0) return false;
    set_tag((uint32_t)end, RUN_FOREIGN, (uint32_t)(next - end), false);
    totals.top = next;
    if (end > top) insert_free((uint32_t)top, (uint32_t)(end - top), false);
    return true;
}

static bool grow_top(uint32_t pages, uint32_t align) {
    size_t top = totals.top;
    size_t start = align_page(top, align);
    size_t end = start + pages;
    /* A free run that ends at the top is part of the run_fit. */
    uint64_t last = run_tag((uint32_t)top - 1);
    enum run_kind kind = tag_kind(last);
    if ((kind == RUN_FREE || kind == RUN_FREE_END) && !tag_dirty(last))
        end = max_size(top + 1, align_page(top - tag_pages(last), align) + pages);
    if (end > UINT32_MAX) return false;
    if (!space_grow((end + GRANULE_PAGES - 1) / GRANULE_PAGES))
        return pass_foreign(pages, align) && grow_top(pages, align);
    totals.top = end;
    insert_free((uint32_t)top, (uint32_t)(end - top), false);
    return true;
}

/* A run of the highest bin that has one. */
static uint32_t longest_of(const struct bins *bins) {
    for (unsigned word = BIN_WORDS; word-- > 0;) {
        uint64_t left = bins->nonempty[word];
        if (left != 0) return bins->head[word * 64 + 63 - (unsigned)__builtin_clzl(left)];
    }
    return 0;
}

/* A fit; of those of slabs that are to be scattered any in the longest run. */
static uint32_t find_fit(const struct bins *bins, uint32_t pages, uint32_t align,
                         enum run_kind kind, uint32_t *found) {
    uint32_t run = is_scattered(kind) ? longest_of(bins) : 0;
    uint32_t start = run == 0 ? 0 : run_fit(run, pages, align);
    if (start == 0) return search(bins, pages, align, found);
    *found = run;
    uint64_t fits = (run + tag_pages(run_tag(run)) - pages - start) / align + 1;
    return start + (uint32_t)((os_random() >> 32) * fits >> 32) * align;
}

/* The longest dirty run with what is clean behind it: fewer fresh pages than a clean run alone. */
static uint32_t extend_dirty(uint32_t pages, enum run_kind kind) {
    uint32_t run = longest_of(&free_bins[1]);
    if (run == 0) return 0;
    uint32_t length = tag_pages(run_tag(run));
    if (length < pages / 4) return 0;
    run_carve(run, run, length, kind);
    if (pages_extend(run, pages)) return run;
    pages_free(run, false);
    return 0;
}

/* Dirty pages first; 0 when no run fits. */
static uint32_t take_run(uint32_t pages, uint32_t align, enum run_kind kind, bool *clean) {
    uint32_t run, start = find_fit(&free_bins[1], pages, align, kind, &run);
    *clean = false;
    if (start == 0 && align == 1 && (start = extend_dirty(pages, kind)) != 0) return start;
    if (start == 0) {
        start = find_fit(&free_bins[0], pages, align, kind, &run);
        *clean = true;
    }
    if (start != 0) run_carve(run, start, pages, kind);
    return start;
}

uint32_t pages_alloc(uint32_t pages, uint32_t align, enum run_kind kind, bool *clean) {
    pages_settle();
    for (bool purged = false, shrunk = kind != RUN_SLAB;;) {
        uint32_t start = take_run(pages, align, kind, clean);
        if (start != 0) {
            purge_after_alloc(pages, *clean);
            return start;
        }
        if (is_scattered(kind) && grow_top(pages + SCATTER_PAGES, align)) continue;
        if (grow_top(pages, align)) continue;
        /* Dirty and clean neighbours are one run once all are clean. */
        if (!purged && pages <= totals.dirty + totals.clean) {
            purged = true;
            if (pages_purge(SIZE_MAX) != 0) continue;
        }
        /* A block may become a mapping instead: large.c does this after both ways failed. */
        if (shrunk || !pages_give_back()) return 0;
        shrunk = true;
    }
}

void pages_free(uint32_t page, bool clean) {
    uint32_t pages = tag_pages(run_tag(page));
    totals.used -= pages;
    clear_tag(page);
    insert_free(page, pages, !clean);
}

/* ---- freed without the lock ---- */

/* A stack of page numbers, linked through run.next: any thread pushes, the lock's holder pops. */
static _Atomic uint32_t later;
static _Atomic size_t later_pages;

static void push_later(uint32_t page) {
    uint32_t head = atomic_load_explicit(&later, memory_order_relaxed);
    do {
        run_of(page)->next = head;
    } while (!atomic_compare_exchange_weak_explicit(&later, &head, page, memory_order_release,
                                                    memory_order_relaxed));
}

/* One at a time, so that a holder of the lock that is gone has lost no other. Only the holder pops,
 * so a page that is seen at the top twice was there all the time. */
static uint32_t pop_later(void) {
    uint32_t head = atomic_load_explicit(&later, memory_order_acquire);
    while (head != 0 &&
           !atomic_compare_exchange_weak_explicit(&later, &head, run_of(head)->next,
                                                  memory_order_acquire, memory_order_acquire))
        continue;
    return head;
}

/* Others may have the lock between the slices of a long purge. */
static void settle_now(void) {
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
    /* Of two threads that free the block at once one must lose. */
    if (tag_kind(tag) != RUN_BLOCK ||
        !atomic_compare_exchange_strong_explicit(&run_of(page)->tag, &tag, freed,
                                                 memory_order_acq_rel, memory_order_relaxed))
        return false;
    push_later(page);
    size_t waiting =
        atomic_fetch_add_explicit(&later_pages, tag_pages(freed), memory_order_relaxed);
    if (waiting + tag_pages(freed) > min_size(LATER_MAX, purge_slack())) settle_now();
    return true;
}

void pages_settle(void) {
    if (atomic_load_explicit(&later, memory_order_relaxed) == 0) return;
    atomic_store_explicit(&later_pages, 0, memory_order_relaxed);
    for (uint32_t page; (page = pop_later()) != 0;) pages_free(page, false);
    purge_after_free();
}

void pages_shrink(uint32_t page, uint32_t pages) {
    uint64_t tag = run_tag(page);
    uint32_t tail = tag_pages(tag) - pages;
    totals.used -= tail;
    set_tag(page, tag_kind(tag), pages, false);
    insert_free(page + pages, tail, true);
}

bool pages_extend(uint32_t page, uint32_t pages) {
    uint64_t tag = run_tag(page);
    uint32_t have = tag_pages(tag), next = page + have;
    if (next == totals.top && !grow_top(pages - have, 1)) return false;
    uint64_t after = run_tag(next);
    if (tag_kind(after) != RUN_FREE) return false;
    if (have + tag_pages(after) < pages) {
        bool at_top = next + tag_pages(after) == totals.top;
        if (!at_top || tag_dirty(after) || !grow_top(pages - have, 1)) return false;
        /* The top may have grown behind something foreign. */
        if (have + tag_pages(run_tag(next)) < pages) return false;
    }
    if (!tag_dirty(run_tag(next))) purge_regret(pages - have);
    run_carve(next, next, pages - have, RUN_INSIDE);
    set_tag(page, tag_kind(tag), pages, false);
    return true;
}

/* Only whole pages of the kernel's can go; ours may be smaller. */
static struct range { uint32_t first, end; } whole_pages(uint32_t run) {
    uint32_t unit = (uint32_t)(os_page_size() / RUN_PAGE), end = run + tag_pages(run_tag(run));
    return (struct range){(run + unit - 1) & ~(unit - 1), end & ~(unit - 1)};
}

/* A dirty run of the highest bin that has one which can go. */
static uint32_t longest_purgeable(void) {
    for (unsigned word = BIN_WORDS; word-- > 0;) {
        for (uint64_t left = free_bins[1].nonempty[word]; left != 0;) {
            unsigned bit = 63 - (unsigned)__builtin_clzl(left);
            uint32_t run = free_bins[1].head[word * 64 + bit];
            for (; run != 0; run = run_of(run)->next)
                if (whole_pages(run).first < whole_pages(run).end) return run;
            left &= ~((uint64_t)1 << bit);
        }
    }
    return 0;
}

/* Gives back the last `pages` of a dirty run, or some more to make whole ones. */
static bool purge_tail(uint32_t run, uint32_t pages) {
    uint32_t length = tag_pages(run_tag(run)), unit = (uint32_t)(os_page_size() / RUN_PAGE);
    struct range gone = whole_pages(run);
    if (gone.first >= gone.end) return false;
    uint32_t most = (pages + unit - 1) & ~(unit - 1);
    if (gone.end - gone.first > most) gone.first = gone.end - most;
    uint32_t count = gone.end - gone.first;
    if (!os_purge(page_start(gone.first), (size_t)count << RUN_SHIFT)) return false;
    purge_count((size_t)count << RUN_SHIFT);
    unmark_free(run, length, true);
    if (gone.first > run) mark_free(run, gone.first - run, true);
    if (gone.end < run + length) mark_free(gone.end, run + length - gone.end, true);
    insert_free(gone.first, count, false);
    return true;
}

size_t pages_purge(size_t pages) {
    size_t done = 0;
    while (done < pages) {
        uint32_t run = longest_purgeable();
        if (run == 0) break;
        uint32_t part = (uint32_t)min_size(tag_pages(run_tag(run)), pages - done);
        size_t before = totals.dirty;
        if (!purge_tail(run, part)) break;
        done += before - totals.dirty;
    }
    return done;
}

/* The free run that ends at the top, clean if that can be, or 0. */
static uint32_t last_free(void) {
    uint64_t last = run_tag((uint32_t)totals.top - 1);
    enum run_kind kind = tag_kind(last);
    if (kind != RUN_FREE && kind != RUN_FREE_END) return 0;
    uint32_t run = (uint32_t)totals.top - tag_pages(last);
    if (!tag_dirty(last)) return run;
    purge_tail(run, tag_pages(last));
    return tag_dirty(run_tag((uint32_t)totals.top - 1)) ? 0 : last_free();
}

RARE bool pages_give_back(void) {
    if (space.granules == 0) return false;
    for (uint32_t run; (run = last_free()) != 0; totals.top = run)
        unmark_free(run, tag_pages(run_tag(run)), false);
    bool some = meta_give_back();
    return space_give_back(round_up(totals.top << RUN_SHIFT, GRANULE)) || some;
}

/* Has never become a slab, or is one no more. Its memory may be inaccessible. */
static bool discard_unfinished(uint32_t page, uint64_t tag) {
    size_t first = page / GRANULE_PAGES, granules = tag_pages(tag) / GRANULE_PAGES;
    struct slab *head = slab_of(first);
    if (tag_kind(tag) != RUN_SLAB || head->kind == GRANULE_COLD ||
        atomic_load_explicit(&head->owner, memory_order_relaxed) != NULL ||
        !os_commit(page_start(page), (size_t)tag_pages(tag) << RUN_SHIFT))
        return false;
    for (size_t i = 0; i < granules; i++) {
        atomic_store_explicit(&slab_of(first + i)->owner, NULL, memory_order_relaxed);
        slab_of(first + i)->kind = GRANULE_RUNS;
    }
    return true;
}

/* Of the counts those of runs; without a moment in which `top` is less than it is. */
static void forget_lists(void) {
    totals.used = totals.dirty = totals.clean = totals.free_runs = 0;
    for (int kind = 0; kind < 2; kind++) free_bins[kind] = (struct bins){0};
}

RARE void pages_rebuild(bool alone) {
    size_t top = totals.top;
    enum run_kind least_used = alone ? RUN_BLOCK : RUN_LATER;
    /* What waits is free like the rest; but other threads may be about to push it. */
    if (alone) atomic_store_explicit(&later, 0, memory_order_relaxed);
    forget_lists();
    uint32_t free_from = GRANULE_PAGES;
    for (uint32_t page = GRANULE_PAGES; page < top;) {
        uint64_t tag = run_tag(page);
        if (tag_kind(tag) >= least_used && !discard_unfinished(page, tag)) {
            /* Whatever it was, it may have been written. */
            if (page > free_from) mark_free(free_from, page - free_from, true);
            if (tag_kind(tag) != RUN_FOREIGN) totals.used += tag_pages(tag);
            page += tag_pages(tag);
            free_from = page;
        } else {
            clear_tag(page++);
        }
    }
    if (top > free_from) mark_free(free_from, (uint32_t)(top - free_from), true);
}

struct page_counts pages_count(void) {
    return totals;
}

uint32_t pages_find_start(uint32_t page) {
    while (page > 0) {
        uint64_t tag = run_tag(page);
        if (tag_kind(tag) != RUN_INSIDE && tag_kind(tag) != RUN_FREE_END) break;
        page--;
    }
    return page;
}
