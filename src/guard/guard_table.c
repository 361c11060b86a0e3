#include "guard/guard_table.h"

#include "base/assert.h"
#include "base/atomics.h"
#include "base/compiler.h"
#include "base/numbers.h"
#include "guard/guard_pages.h"

static UNTOUCHED struct {
    uint32_t high;                     /* pages from this one on were never owned */
    uint32_t count;                    /* records 1 to count were used at least once */
    uint32_t oldest_freed, last_freed; /* a list of all records without a live block */
    uint64_t frees;
} guard_table;

/* ---- looking up ---- */

size_t guard_table_high(void) { return guard_table.high; }

uint64_t guard_table_frees(void) { return guard_table.frees; }

struct guard_record *guard_table_owner_of(size_t page) {
    uint32_t record = page < racy_load(uint32_t, &guard_table.high)
                          ? racy_load(uint32_t, &guard_range.owner[page])
                          : 0;
    return record == 0 ? NULL : &guard_range.record[record];
}

struct guard_record *guard_table_owner(const void *p) {
    return guard_range_contains(p) ? guard_table_owner_of(guard_range_page_of(p)) : NULL;
}

struct guard_record *guard_table_live_at(const void *p) {
    open_lock_assert_held(&guard_lock);
    struct guard_record *record = guard_table_owner(p);
    return record != NULL && record->life == LIFE_LIVE && record->start == p ? record : NULL;
}

char *guard_table_start(const struct guard_record *record) {
    return guard_range_page(record->first);
}

char *guard_table_end(const struct guard_record *record) {
    return guard_range_page(record->first + record->pages - 1);
}

bool guard_table_is_inside(const struct guard_record *record, const void *p) {
    return guard_range_page_of(p) - record->first < record->pages - 1;
}

struct guard_record *guard_table_record(uint32_t n) {
    return n <= guard_table.count ? &guard_range.record[n] : NULL;
}

/* ---- records ---- */

static void guard_table_set_owner(const struct guard_record *record, uint32_t owner) {
    MALLOW_ASSERT(record->first != 0 && record->pages != 0);
    MALLOW_ASSERT(record->first + record->pages <= guard_table.high);
    for (uint32_t i = 0; i < record->pages; i++)
        racy_store(&guard_range.owner[record->first + i], owner);
}

void guard_table_own(const struct guard_record *record) {
    racy_store(&guard_table.high,
               (uint32_t)max_size(guard_table.high, record->first + record->pages));
    guard_table_set_owner(record, (uint32_t)(record - guard_range.record));
}

void guard_table_close(struct guard_record *record, uint32_t pages) {
    MALLOW_ASSERT(pages <= record->pages);
    if (!guard_pages_close(record->first, pages)) record->stays = true;
}

/* The pages of blocks that are large compared with the range are reused earlier: after as many
 * frees as there are places of their size in half of the range. */
bool guard_table_may_reuse(const struct guard_record *record) {
    size_t pages = guard_range_pages();
    return record->life == LIFE_FREED && !record->stays &&
           guard_table.frees - record->freed_at >=
               min_size(GUARD_REUSE_DISTANCE, pages / 2 / record->pages);
}

void guard_table_forget(struct guard_record *record) {
    if (record->life != LIFE_FREED) return;
    guard_table_set_owner(record, 0);
    record->life = LIFE_NONE;
}

static uint32_t guard_table_take_oldest(void) {
    uint32_t n = guard_table.oldest_freed;
    struct guard_record *record = &guard_range.record[n];
    MALLOW_ASSERT(n <= guard_table.count);
    MALLOW_ASSERT(n == 0 || record->life != LIFE_LIVE);
    if (n == 0 || (record->life == LIFE_FREED && !guard_table_may_reuse(record))) return 0;
    guard_table_forget(record);
    guard_table.oldest_freed = record->next_freed;
    if (guard_table.oldest_freed == 0) guard_table.last_freed = 0;
    return n;
}

/* Removes records whose pages cannot be reused from the head of the list, where they would block
 * all others. */
static void guard_table_drop_staying(void) {
    uint32_t n = guard_table.oldest_freed;
    while (n != 0 && guard_range.record[n].stays) n = guard_range.record[n].next_freed;
    guard_table.oldest_freed = n;
    if (n == 0) guard_table.last_freed = 0;
}

uint32_t guard_table_take(void) {
    guard_table_drop_staying();
    uint32_t n = guard_table.oldest_freed;
    if (n != 0 && guard_range.record[n].life == LIFE_NONE) return guard_table_take_oldest();
    if (guard_table.count == guard_range.count_max ||
        !guard_range_reach_record(guard_table.count + 1))
        return guard_table_take_oldest();
    return ++guard_table.count;
}

static void guard_table_append(uint32_t n) {
    MALLOW_ASSERT(n != 0 && n <= guard_table.count);
    MALLOW_ASSERT(guard_range.record[n].life != LIFE_LIVE);
    MALLOW_ASSERT((guard_table.oldest_freed == 0) == (guard_table.last_freed == 0));
    guard_range.record[n].next_freed = 0;
    if (guard_table.last_freed != 0)
        guard_range.record[guard_table.last_freed].next_freed = n;
    else
        guard_table.oldest_freed = n;
    guard_table.last_freed = n;
}

/* The record goes to the head of the list, so that it is the next one to be taken. */
void guard_table_refuse(struct guard_record *record) {
    open_lock_assert_held(&guard_lock);
    MALLOW_ASSERT(record->life == LIFE_NONE);
    uint32_t n = (uint32_t)(record - guard_range.record);
    record->next_freed = guard_table.oldest_freed;
    guard_table.oldest_freed = n;
    if (guard_table.last_freed == 0) guard_table.last_freed = n;
}

void guard_table_release(struct guard_record *record) {
    open_lock_assert_held(&guard_lock);
    MALLOW_ASSERT(record->life == LIFE_FREED);
    record->freed_at = ++guard_table.frees;
    guard_table_append((uint32_t)(record - guard_range.record));
}

/* Lists the records without a live block: those that were freed too recently for reuse if `lately`,
 * or else all others. */
static RARE void guard_table_append_those(bool lately) {
    for (uint32_t n = 1; n <= guard_table.count; n++) {
        const struct guard_record *record = &guard_range.record[n];
        bool is_late = record->life == LIFE_FREED && !guard_table_may_reuse(record);
        if (record->life != LIFE_LIVE && is_late == lately) guard_table_append(n);
    }
}

static bool guard_table_owns(uint32_t n, uint32_t page) {
    const struct guard_record *record = &guard_range.record[n];
    return n <= guard_table.count && record->life != LIFE_NONE &&
           page - record->first < record->pages;
}

/* Rebuilds the index, the list and the counts from the records, because only the records are
 * reliable. Other threads may look up blocks in use meanwhile, so their entries never
 * change. */
RARE void guard_table_repair(void) {
    guard_range_repair();
    if (guard_range.base == NULL) return;
    guard_table.oldest_freed = guard_table.last_freed = 0;
    for (uint32_t n = 1; n <= guard_table.count; n++) {
        const struct guard_record *record = &guard_range.record[n];
        if (record->life == LIFE_NONE) continue;
        guard_table.high = (uint32_t)max_size(guard_table.high, record->first + record->pages);
        guard_table_set_owner(record, n);
    }
    for (uint32_t page = 0; page < guard_table.high; page++)
        if (!guard_table_owns(guard_range.owner[page], page))
            racy_store(&guard_range.owner[page], 0);
    guard_table_append_those(false);
    guard_table_append_those(true);
}
