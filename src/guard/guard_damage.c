#include "guard/guard_damage.h"

#include <string.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "base/text.h"
#include "guard/guard_info.h"
#include "guard/guard_range.h"
#include "guard/guard_table.h"
#include "report/report.h"

#define GUARD_FILLED 0xd3 /* the value of all bytes of lead and slack */

void guard_damage_fill(const struct guard_record *record) {
    char *pages = guard_table_start(record), *end = record->start + record->size;
    MALLOW_ASSERT(record->start >= pages);
    MALLOW_ASSERT(end <= guard_table_end(record));
    memset(pages, GUARD_FILLED, (size_t)(record->start - pages));
    memset(end, GUARD_FILLED, (size_t)(guard_table_end(record) - end));
}

static bool guard_damage_is_filled(const char *from, const char *to) {
    return from == to || (*(const uint8_t *)from == GUARD_FILLED &&
                          memcmp(from, from + 1, (size_t)(to - from) - 1) == 0);
}

/* Returns the nearest byte after the block that was written, or else the nearest one before it, or
 * NULL. */
static const char *guard_damage_at(const struct guard_record *record) {
    const char *pages = guard_table_start(record), *end = record->start + record->size;
    const char *at = end, *pages_last = guard_table_end(record);
    if (!guard_damage_is_filled(end, pages_last)) {
        while (*(const uint8_t *)at == GUARD_FILLED) at++;
        return at;
    }
    if (guard_damage_is_filled(pages, record->start)) return NULL;
    for (at = record->start - 1; *(const uint8_t *)at == GUARD_FILLED;) at--;
    return at;
}

RARE void guard_damage_report(const struct block_info *block, const char *at) {
    char detail[64] = {0};
    struct text t = {.buffer = detail, .size = sizeof detail - 1};
    bool behind = at >= block->start;
    text_add(&t, behind ? "byte written at offset " : "byte written at offset -");
    text_add_number(&t, (uint64_t)(behind ? at - block->start : block->start - at));
    report_error(&(struct error){
        .cause = behind ? "heap overflow" : "heap underflow",
        .p = block->start,
        .block = block,
        .detail = detail,
    });
}

bool guard_damage_find(struct guard_record *record, struct guard_damage *found) {
    open_lock_assert_held(&guard_lock);
    found->at = record->reported ? NULL : guard_damage_at(record);
    if (found->at == NULL) return false;
    record->reported = true;
    found->block = guard_info_of(record);
    return true;
}

/* Returns the number of the first damaged record at or after the n-th, or 0. */
static uint32_t guard_damage_next(uint32_t n, struct guard_damage *found) {
    struct guard_record *record;
    struct lock_hold hold;
    if (!open_lock_take(&guard_lock, &hold)) return 0;
    for (; (record = guard_table_record(n)) != NULL; n++)
        if (record->life == LIFE_LIVE && guard_damage_find(record, found)) break;
    open_lock_drop(&guard_lock, &hold);
    return record == NULL ? 0 : n;
}

RARE size_t guard_damage_check_all(void) {
    struct guard_damage damage;
    size_t damaged = 0;
    for (uint32_t n = 1; (n = guard_damage_next(n, &damage)) != 0; n++, damaged++)
        guard_damage_report(&damage.block, damage.at);
    return damaged;
}

RARE const char *guard_damage_verify(const void *p) {
    struct block_info block;
    const char *written = NULL;
    struct lock_hold hold;
    if (!guard_range_contains(p) || !open_lock_take(&guard_lock, &hold)) return NULL;
    struct guard_record *record = guard_table_live_at(p);
    if (record != NULL) {
        written = guard_damage_at(record);
        block = guard_info_of(record);
    }
    open_lock_drop(&guard_lock, &hold);
    if (written != NULL) guard_damage_report(&block, written);
    return written;
}
