#include "guard/guard_table.h"

#include <string.h>

#include "base/assert.h"
#include "base/atomics.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "os/open_lock.h"
#include "os/os.h"
#include "pages/mapping.h"
#include "pages/space.h"

#define RANGE_TRIES 8
#define BEGIN_EVERY 256u /* without address space, one call in so many asks again */
#define RANGE_SMALLEST MIB
#define RECORDS_MAX ((uint32_t)1 << 20) /* 64 MiB of them */

/* The range is mapped in steps of this and more. */
#define RANGE_STEP_MIN (4 * MIB)
#define RANGE_STEP_MAX GIB

/* The share of a limited address space (RLIMIT_AS) that the range may take. */
#define ADDRESS_SHARE 4u

struct lock guard_lock;

static UNTOUCHED struct {
    char *base;        /* of page 0; NULL before the beginning */
    size_t bytes;      /* from there, at most */
    unsigned shift;    /* of a page */
    unsigned begun;    /* how often this was tried */
    struct part pages; /* accessible: reserved */
    struct part index, records;
    uint32_t *owner; /* of each page below `high`: a record's number, 0: nobody */
    struct guard_record *record;
    uint32_t high;                     /* pages from here on were never used */
    uint32_t cursor;                   /* where the next place is looked for first */
    uint32_t count, count_max;         /* records from 1 on that were ever used, and may be */
    uint32_t oldest_freed, last_freed; /* a list of records, those without life included */
    uint64_t frees;
    struct {
        size_t pages;
        uint64_t frees;
    } vain; /* the last search that found nothing, and when */
} guard_range;

/* ---- the range ---- */

/* Computes the sizes of a range whose blocks have `bytes` bytes of pages. */
static void measure_range(size_t bytes, enum growth by) {
    guard_range.shift = (unsigned)__builtin_ctzl(os_page_size());
    size_t count = bytes >> guard_range.shift;
    guard_range.count_max = (uint32_t)min_size(count / 2, RECORDS_MAX);
    size_t record_bytes = (guard_range.count_max + 1) * sizeof *guard_range.record;
    guard_range.pages = (struct part){.limit = bytes, .by = by};
    guard_range.index =
        (struct part){.limit = round_up(count * sizeof *guard_range.owner, GRANULE), .by = by};
    guard_range.records = (struct part){.limit = round_up(record_bytes, GRANULE), .by = by};
    guard_range.bytes = bytes;
    guard_range.high = guard_range.cursor = 1; /* page 0 is the one before the first block */
}

static size_t own_bytes_for(size_t bytes) {
    measure_range(bytes, GROW_MAPPED);
    return guard_range.index.limit + guard_range.records.limit;
}

/* `own` has room for own_bytes_for(bytes). */
static void lay_out_range(char *pages, char *own, size_t bytes, enum growth by) {
    measure_range(bytes, by);
    guard_range.pages.start = pages;
    guard_range.index.start = own;
    guard_range.records.start = own + guard_range.index.limit;
    guard_range.owner = (uint32_t *)guard_range.index.start;
    guard_range.record = (struct guard_record *)guard_range.records.start;
}

static bool grow_own(struct part *part, size_t bytes) {
    if (bytes <= part->accessible) return true;
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return false;
    bool grown = part_grow(part, bytes);
    open_lock_drop(&global_lock, &hold);
    return grown;
}

/* Reserves the pages up to `end`, of which the last `pages` are for a block, and the index of them.
 */
static bool reach_page(size_t end, size_t pages) {
    MALLOW_ASSERT(pages <= end);
    struct part *part = &guard_range.pages;
    size_t have = part->accessible, need = end << guard_range.shift;
    size_t bytes = pages << guard_range.shift, index = end * sizeof *guard_range.owner;
    if (need <= have) return grow_own(&guard_range.index, index);
    size_t allowed = min_size(part->limit, os_address_limit() / ADDRESS_SHARE & ~(GRANULE - 1));
    /* Address space is not reserved for what cannot be written. */
    if (bytes >= RANGE_STEP_MIN && !mapping_is_possible(bytes)) return false;
    size_t step = max_size(RANGE_STEP_MIN, min_size(have / 4, RANGE_STEP_MAX));
    size_t want = min_size(round_up(max_size(need, have + step), GRANULE), allowed);
    if (need > want || !grow_own(&guard_range.index, index)) return false;
    part->asked_for = want;
    if (!os_reserve_at(part->start + have, want - have)) {
        part->asked_for = want = need;
        if (!os_reserve_at(part->start + have, want - have)) return part->asked_for = have, false;
    }
    part->accessible = want;
    return true;
}

static bool begin_range(void) {
    if (reach_page(2, 0) && grow_own(&guard_range.records, 2 * sizeof *guard_range.record))
        return true;
    part_undo(&guard_range.pages);
    part_undo(&guard_range.index);
    part_undo(&guard_range.records);
    return false;
}

static bool is_apart(const char *a, size_t a_bytes, const char *b, size_t b_bytes) {
    return a + a_bytes <= b || b + b_bytes <= a;
}

/* What an address belongs to is told by the range that it is in: so none may reach into another,
 * nor grow into it. */
static bool choose_places(size_t bytes) {
    if (sizeof(void *) < 8) return false;
    size_t own_bytes = own_bytes_for(bytes);
    for (int i = 0; i < RANGE_TRIES; i++) {
        char *pages = space_random_place(), *own = space_random_place();
        if (!space_is_apart(pages, bytes) || !space_is_apart(own, own_bytes) ||
            !is_apart(pages, bytes, own, own_bytes))
            continue;
        lay_out_range(pages, own, bytes, GROW_MAPPED);
        if (begin_range()) return true;
    }
    return false;
}

/* The largest that is granted, at once. */
static bool reserve_range(size_t bytes) {
    for (; bytes >= RANGE_SMALLEST; bytes = bytes / 2 & ~(GRANULE - 1)) {
        size_t own = own_bytes_for(bytes);
        char *start = os_reserve(own + bytes);
        if (start == NULL) continue;
        lay_out_range(start + own, start, bytes, GROW_COMMITTED);
        guard_range.pages.accessible = bytes;
        if (begin_range()) return true;
        os_unmap(start, own + bytes);
    }
    return false;
}

RARE bool guard_table_begin(size_t bytes) {
    lock_assert_held(&guard_lock);
    if (guard_range.base != NULL) return true;
    if (!space_start()) return false; /* the heap's range is chosen first */
    if (guard_range.begun++ % BEGIN_EVERY != 0) return false;
    size_t most = (size_t)1 << (os_address_bits() - 5);
    bytes = round_up(min_size(bytes, most), GRANULE);
    if (!choose_places(bytes) && !reserve_range(bytes)) return false;
    __atomic_store_n(&guard_range.base, guard_range.pages.start, __ATOMIC_RELEASE);
    return true;
}

/* ---- looking up ---- */

bool guard_table_covers(const void *p) {
    const char *base = __atomic_load_n(&guard_range.base, __ATOMIC_ACQUIRE);
    return base != NULL && (uintptr_t)p - (uintptr_t)base < guard_range.bytes;
}

static size_t page_number(const void *p) {
    return ((uintptr_t)p - (uintptr_t)guard_range.base) >> guard_range.shift;
}

char *guard_table_page(uint32_t page) {
    return guard_range.base + ((size_t)page << guard_range.shift);
}

static struct guard_record *owner_of(size_t page) {
    uint32_t record = page < racy_load(uint32_t, &guard_range.high)
                          ? racy_load(uint32_t, &guard_range.owner[page])
                          : 0;
    return record == 0 ? NULL : &guard_range.record[record];
}

struct guard_record *guard_table_owner(const void *p) {
    return guard_table_covers(p) ? owner_of(page_number(p)) : NULL;
}

bool guard_table_is_inside(const struct guard_record *record, const void *p) {
    return page_number(p) - record->first < record->pages - 1;
}

struct guard_record *guard_table_record(uint32_t n) {
    return n <= guard_range.count ? &guard_range.record[n] : NULL;
}

/* ---- records ---- */

static void set_owner(const struct guard_record *record, uint32_t owner) {
    MALLOW_ASSERT(record->first != 0 && record->pages != 0);
    MALLOW_ASSERT(record->first + record->pages <= guard_range.high);
    for (uint32_t i = 0; i < record->pages; i++)
        racy_store(&guard_range.owner[record->first + i], owner);
}

void guard_table_close(struct guard_record *record, uint32_t pages) {
    MALLOW_ASSERT(pages <= record->pages);
    char *start = guard_table_page(record->first);
    size_t bytes = (size_t)pages << guard_range.shift;
    if (pages == 0 || os_discard(start, bytes)) return;
    if (!os_purge(start, bytes)) record->stays = true;
    os_protect(start, bytes);
}

/* Of blocks that are large for the range fewer must do. */
static bool may_be_reused(const struct guard_record *record) {
    size_t pages = guard_range.bytes >> guard_range.shift;
    return record->life == LIFE_FREED && !record->stays &&
           guard_range.frees - record->freed_at >=
               min_size(GUARD_REUSE_DISTANCE, pages / 2 / record->pages);
}

/* What was known of the block is forgotten; its record stays in the list. */
static void forget_block(struct guard_record *record) {
    if (record->life != LIFE_FREED) return;
    set_owner(record, 0);
    record->life = LIFE_NONE;
}

static uint32_t take_oldest(void) {
    uint32_t n = guard_range.oldest_freed;
    struct guard_record *record = &guard_range.record[n];
    MALLOW_ASSERT(n <= guard_range.count);
    MALLOW_ASSERT(n == 0 || record->life != LIFE_LIVE);
    if (n == 0 || (record->life == LIFE_FREED && !may_be_reused(record))) return 0;
    forget_block(record);
    guard_range.oldest_freed = record->next_freed;
    if (guard_range.oldest_freed == 0) guard_range.last_freed = 0;
    return n;
}

/* From the head of the list: they would be in the way there. */
static void drop_staying(void) {
    uint32_t n = guard_range.oldest_freed;
    while (n != 0 && guard_range.record[n].stays) n = guard_range.record[n].next_freed;
    guard_range.oldest_freed = n;
    if (n == 0) guard_range.last_freed = 0;
}

/* One that nothing is known of, else a new one, else that of the block that was freed first. */
static uint32_t take_record(void) {
    drop_staying();
    uint32_t n = guard_range.oldest_freed;
    if (n != 0 && guard_range.record[n].life == LIFE_NONE) return take_oldest();
    if (guard_range.count == guard_range.count_max ||
        !grow_own(&guard_range.records, (guard_range.count + 2) * sizeof *guard_range.record))
        return take_oldest();
    return ++guard_range.count;
}

static void append_freed(uint32_t n) {
    MALLOW_ASSERT(n != 0 && n <= guard_range.count);
    MALLOW_ASSERT(guard_range.record[n].life != LIFE_LIVE);
    MALLOW_ASSERT((guard_range.oldest_freed == 0) == (guard_range.last_freed == 0));
    guard_range.record[n].next_freed = 0;
    if (guard_range.last_freed != 0)
        guard_range.record[guard_range.last_freed].next_freed = n;
    else
        guard_range.oldest_freed = n;
    guard_range.last_freed = n;
}

/* It is the next one that is taken. */
void guard_table_refuse(struct guard_record *record) {
    lock_assert_held(&guard_lock);
    MALLOW_ASSERT(record->life == LIFE_NONE);
    uint32_t n = (uint32_t)(record - guard_range.record);
    record->next_freed = guard_range.oldest_freed;
    guard_range.oldest_freed = n;
    if (guard_range.last_freed == 0) guard_range.last_freed = n;
}

void guard_table_release(struct guard_record *record) {
    lock_assert_held(&guard_lock);
    MALLOW_ASSERT(record->life == LIFE_FREED);
    record->freed_at = ++guard_range.frees;
    append_freed((uint32_t)(record - guard_range.record));
}

/* ---- places ---- */

/* The end of the first record that keeps some of these pages; 0 when all can be had. */
static size_t blocked_until(size_t page, size_t pages) {
    size_t end = min_size(page + pages, guard_range.high);
    while (page < end) {
        const struct guard_record *record = owner_of(page);
        if (record == NULL) {
            page++;
            continue;
        }
        page = record->first + record->pages;
        if (!may_be_reused(record)) return page;
    }
    return 0;
}

static size_t next_aligned(size_t page, size_t align) {
    uintptr_t address = (uintptr_t)guard_range.base + (page << guard_range.shift);
    return (round_up(address, align) - (uintptr_t)guard_range.base) >> guard_range.shift;
}

/* The first place within [from, to) for so many pages; 0 when there is none. */
static size_t search_place(size_t from, size_t to, size_t pages, size_t align) {
    MALLOW_ASSERT(pages != 0);
    size_t page = next_aligned(from, align);
    while (page <= to && pages <= to - page) {
        size_t end = blocked_until(page, pages);
        if (end == 0) return page;
        page = next_aligned(end, align);
    }
    return 0;
}

/* Looking through a range that is full takes long. */
static bool is_vain(size_t pages) {
    return guard_range.vain.pages != 0 && pages >= guard_range.vain.pages &&
           guard_range.frees - guard_range.vain.frees < GUARD_REUSE_DISTANCE / 4;
}

static size_t find_place(size_t pages, size_t align) {
    if (is_vain(pages)) return 0;
    size_t first =
        search_place(guard_range.cursor, guard_range.bytes >> guard_range.shift, pages, align);
    if (first != 0 && reach_page(first + pages, pages)) return first;
    size_t again = search_place(1, guard_range.pages.accessible >> guard_range.shift, pages, align);
    if (again != 0) return reach_page(again + pages, pages) ? again : 0;
    bool is_full = first == 0 && align == os_page_size();
    guard_range.vain.pages = is_full ? pages : 0;
    guard_range.vain.frees = guard_range.frees;
    return 0;
}

/* When the cursor leaves a stretch that a page of the kernel's own tables describes, the one before
 * is discarded as a whole if nothing there lives (any more): then that page goes back too. */
static void give_back_table(size_t next) {
    size_t covered = os_page_size() / sizeof(uint64_t) << guard_range.shift;
    uintptr_t left = (uintptr_t)guard_table_page(guard_range.cursor) & ~(covered - 1);
    uintptr_t entered = (uintptr_t)guard_table_page((uint32_t)next) & ~(covered - 1);
    if (left == entered || left - covered < (uintptr_t)guard_range.base) return;
    size_t page = page_number((void *)(left - covered)), end = page_number((void *)left);
    while (page < end) {
        const struct guard_record *record = owner_of(page);
        if (record != NULL && record->life == LIFE_LIVE) return;
        page = record == NULL ? page + 1 : record->first + record->pages;
    }
    os_discard((void *)(left - covered), covered);
}

/* What was known of pages that others get is forgotten before a fork can find both. */
static void forget_pages(size_t page, size_t end) {
    end = min_size(end, guard_range.high);
    for (; page < end; page++) {
        struct guard_record *before = owner_of(page);
        if (before != NULL) forget_block(before);
    }
}

void guard_table_keep(struct guard_record *record) {
    lock_assert_held(&guard_lock);
    uint32_t end = record->first + record->pages;
    give_back_table(end);
    guard_range.cursor = end;
    racy_store(&guard_range.high, (uint32_t)max_size(guard_range.high, end));
    set_owner(record, (uint32_t)(record - guard_range.record));
}

/* Inaccessible pages before a block, in the modes that check: what is behind it nobody can tell. */
#define GAP_MAX 4u

static size_t random_gap(void) {
    static uint64_t random;
    if (settings.check == CHECK_FREE) return 0;
    random = (random != 0 ? random : os_random()) * 6364136223846793005u + 1442695040888963407u;
    return (random >> 32) % (GAP_MAX + 1);
}

struct guard_record *guard_table_place(size_t pages, size_t align) {
    lock_assert_held(&guard_lock);
    pages++;
    align = max_size(align, os_page_size());
    if (pages + GAP_MAX >= guard_range.bytes >> guard_range.shift || align > guard_range.bytes)
        return NULL;
    size_t gap = align == os_page_size() ? random_gap() : 0;
    size_t page = find_place(gap + pages, align);
    uint32_t n = page == 0 ? 0 : take_record();
    if (n == 0) return NULL;
    forget_pages(page + gap, page + gap + pages);
    guard_range.record[n] =
        (struct guard_record){.first = (uint32_t)(page + gap), .pages = (uint32_t)pages};
    return &guard_range.record[n];
}

/* Records without a live block: of those that were freed lately, or all others. */
static RARE void append_those(bool lately) {
    for (uint32_t n = 1; n <= guard_range.count; n++) {
        const struct guard_record *record = &guard_range.record[n];
        bool is_late = record->life == LIFE_FREED && !may_be_reused(record);
        if (record->life != LIFE_LIVE && is_late == lately) append_freed(n);
    }
}

/* Only what records say of themselves is taken for true. */
RARE void guard_table_after_fork(void) {
    part_repair(&guard_range.pages);
    part_repair(&guard_range.index);
    part_repair(&guard_range.records);
    if (guard_range.base == NULL) return;
    memset(guard_range.owner, 0, guard_range.high * sizeof *guard_range.owner);
    guard_range.oldest_freed = guard_range.last_freed = 0;
    for (uint32_t n = 1; n <= guard_range.count; n++) {
        const struct guard_record *record = &guard_range.record[n];
        if (record->life == LIFE_NONE) continue;
        guard_range.high = (uint32_t)max_size(guard_range.high, record->first + record->pages);
        set_owner(record, n);
    }
    append_those(false);
    append_those(true);
}

RARE void guard_table_each_part(void (*call)(uintptr_t start, uintptr_t end)) {
    const struct part *parts[] = {&guard_range.pages, &guard_range.index, &guard_range.records};
    for (unsigned i = 0; i < 3; i++)
        if (parts[i]->accessible != 0)
            call((uintptr_t)parts[i]->start, (uintptr_t)parts[i]->start + parts[i]->accessible);
}
