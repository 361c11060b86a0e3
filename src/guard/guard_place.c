#include "guard/guard_place.h"

#include "base/assert.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "guard/guard_pages.h"
#include "guard/guard_range.h"
#include "guard/guard_table.h"
#include "os/os.h"

static uint32_t guard_place_cursor = 1; /* where the next place is looked for first; page 0 is the
                               one before the first block */

static struct {
    size_t pages;
    uint64_t frees;
} guard_place_vain; /* the last search that found nothing, and guard_table_frees() at that time */

/* Returns the end of the first record that still needs one of these pages, or 0 when all of them
 * are available. */
static size_t guard_place_blocked_until(size_t page, size_t pages) {
    size_t end = min_size(page + pages, guard_table_high());
    while (page < end) {
        const struct guard_record *record = guard_table_owner_of(page);
        if (record == NULL) {
            page++;
            continue;
        }
        page = record->first + record->pages;
        if (!guard_table_may_reuse(record)) return page;
    }
    return 0;
}

static size_t guard_place_align(size_t page, size_t align) {
    uintptr_t address = (uintptr_t)guard_range.base + (page << guard_range.shift);
    return (round_up(address, align) - (uintptr_t)guard_range.base) >> guard_range.shift;
}

/* Returns the first page of the first place for `pages` pages within [from, to), or 0 if there is
 * none. */
static size_t guard_place_search(size_t from, size_t to, size_t pages, size_t align) {
    MALLOW_ASSERT(pages != 0);
    size_t page = guard_place_align(from, align);
    while (page <= to && pages <= to - page) {
        size_t end = guard_place_blocked_until(page, pages);
        if (end == 0) return page;
        page = guard_place_align(end, align);
    }
    return 0;
}

/* Searching a full range takes long, so a search that would probably fail again is skipped. */
static bool guard_place_is_vain(size_t pages) {
    return guard_place_vain.pages != 0 && pages >= guard_place_vain.pages &&
           guard_table_frees() - guard_place_vain.frees < GUARD_REUSE_DISTANCE / 4;
}

static size_t guard_place_find(size_t pages, size_t align) {
    if (guard_place_is_vain(pages)) return 0;
    size_t first = guard_place_search(guard_place_cursor, guard_range_pages(), pages, align);
    if (first != 0 && guard_range_reach(first + pages, pages)) return first;
    size_t again =
        guard_place_search(1, guard_range.pages.accessible >> guard_range.shift, pages, align);
    if (again != 0) return guard_range_reach(again + pages, pages) ? again : 0;
    bool is_full = first == 0 && align == os_page_size();
    guard_place_vain.pages = is_full ? pages : 0;
    guard_place_vain.frees = guard_table_frees();
    return 0;
}

/* One page-table page of the kernel describes a stretch of the range. When the cursor leaves such a
 * stretch, the stretch before it is discarded as a whole if it has no live block, because the
 * kernel then frees the page-table page, too. */
static void guard_place_give_back_table(size_t next) {
    size_t covered = os_page_size() / sizeof(uint64_t) << guard_range.shift;
    uintptr_t left = (uintptr_t)guard_range_page(guard_place_cursor) & ~(covered - 1);
    uintptr_t entered = (uintptr_t)guard_range_page((uint32_t)next) & ~(covered - 1);
    if (left == entered || left - covered < (uintptr_t)guard_range.base) return;
    size_t page = guard_range_page_of((void *)(left - covered)),
           end = guard_range_page_of((void *)left);
    if (guard_pages_have_marks((uint32_t)page)) return;
    while (page < end) {
        const struct guard_record *record = guard_table_owner_of(page);
        if (record != NULL && record->life == LIFE_LIVE) return;
        page = record == NULL ? page + 1 : record->first + record->pages;
    }
    os_discard((void *)(left - covered), covered);
}

/* Forgets freed blocks whose pages a new record gets, so that the child of a fork never finds two
 * records for one page. */
static void guard_place_forget(size_t page, size_t end) {
    end = min_size(end, guard_table_high());
    for (; page < end; page++) {
        struct guard_record *before = guard_table_owner_of(page);
        if (before != NULL) guard_table_forget(before);
    }
}

void guard_place_keep(struct guard_record *record) {
    open_lock_assert_held(&guard_lock);
    uint32_t end = record->first + record->pages;
    guard_place_give_back_table(end);
    guard_place_cursor = end;
    guard_table_own(record);
}

/* In the checking modes, inaccessible pages lie before a block: a random number of up to GAP_MAX,
 * and for larger blocks between a half and the whole of the block's own, so that a wrong index
 * seldom leads to the next block. The distance between two blocks cannot be predicted. GAP_SHARE is
 * the share of the range that one gap may have, because limits count the addresses of a range. */
#define GAP_MAX 4u
#define GAP_SHARE 1024u

static size_t guard_place_gap(size_t pages) {
    static uint64_t random;
    if (settings.check == CHECK_FREE) return 0;
    random = (random != 0 ? random : os_random()) * 6364136223846793005u + 1442695040888963407u;
    size_t half = min_size(pages, guard_range_pages() / GAP_SHARE) / 2;
    return half + (random >> 32) % (max_size(half, GAP_MAX) + 1);
}

struct guard_record *guard_place_take(size_t pages, size_t align) {
    open_lock_assert_held(&guard_lock);
    pages++;
    align = max_size(align, os_page_size());
    size_t gap = align == os_page_size() ? guard_place_gap(pages) : 0;
    if (pages + max_size(gap, GAP_MAX) >= guard_range_pages() || align > guard_range.bytes)
        return NULL;
    size_t page = guard_place_find(gap + pages, align);
    uint32_t n = page == 0 ? 0 : guard_table_take();
    if (n == 0) return NULL;
    guard_place_forget(page + gap, page + gap + pages);
    guard_range.record[n] =
        (struct guard_record){.first = (uint32_t)(page + gap), .pages = (uint32_t)pages};
    return &guard_range.record[n];
}
