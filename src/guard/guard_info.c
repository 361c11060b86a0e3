#include "guard/guard_info.h"

#include "base/atomics.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "guard/guard_range.h"
#include "guard/guard_table.h"
#include "os/os.h"

struct block_info guard_info_of(const struct guard_record *record) {
    return (struct block_info){
        .life = record->leaving != LEAVING_NOT ? LIFE_FREED : record->life,
        .start = record->start,
        .size = record->size,
        .exact = true,
        .family = record->family,
        .align = (size_t)1 << record->align,
        .allocated = record->allocated,
        .freed = record->freed,
        .allocated_by = record->allocated_by,
        .freed_by = record->freed_by,
    };
}

static size_t guard_info_distance(const struct guard_record *record, const char *p) {
    return (size_t)(p < record->start ? record->start - p : p - (record->start + record->size));
}

/* Chooses between the records before and after an inaccessible page that p lies in: the one whose
 * block touches that page if only one does, or else the one whose block is nearer to p. */
static struct guard_record *guard_info_nearer(struct guard_record *before,
                                              struct guard_record *behind, const char *p) {
    if (before == NULL || behind == NULL) return before != NULL ? before : behind;
    bool before_touches =
        guard_table_end(before) - (before->start + before->size) < (ptrdiff_t)UNIT;
    bool behind_touches = behind->start == guard_table_start(behind);
    if (before_touches != behind_touches) return before_touches ? before : behind;
    return guard_info_distance(before, p) <= guard_info_distance(behind, p) ? before : behind;
}

static struct guard_record *guard_info_record(const void *p) {
    struct guard_record *record = guard_table_owner(p);
    if (record != NULL && guard_table_is_inside(record, p)) return record;
    return guard_info_nearer(record, guard_table_owner((const char *)p + os_page_size()), p);
}

bool guard_info(const void *p, struct block_info *info) {
    if (!guard_range_contains(p)) return false;
    struct lock_hold hold;
    bool held = open_lock_take(&guard_lock, &hold);
    const struct guard_record *record = guard_info_record(p);
    if (record != NULL) *info = guard_info_of(record);
    if (held) open_lock_drop(&guard_lock, &hold);
    return record != NULL;
}

bool guard_info_live(const void *p, struct block_info *info) {
    const struct guard_record *record = guard_table_owner(p);
    if (record == NULL || racy_load(uint8_t, &record->life) != LIFE_LIVE || record->start != p)
        return false;
    *info = guard_info_of(record);
    return true;
}

size_t guard_info_rest(const void *p) {
    const struct guard_record *record = guard_table_owner(p);
    if (record == NULL || racy_load(uint8_t, &record->life) != LIFE_LIVE) return 0;
    size_t offset = (size_t)((const char *)p - record->start); /* huge when p is before */
    return offset < record->size ? record->size - offset : 0;
}

size_t guard_info_usable(const void *p) {
    struct block_info info;
    return guard_info_live(p, &info) ? info.size : 0;
}

RARE bool guard_info_each(bool (*visit)(const struct block_info *info, void *context),
                          void *context) {
    bool goes_on = true;
    struct guard_record *record;
    struct lock_hold hold;
    if (!open_lock_take(&guard_lock, &hold)) return true;
    for (uint32_t n = 1; goes_on && (record = guard_table_record(n)) != NULL; n++) {
        if (record->life != LIFE_LIVE) continue;
        struct block_info info = guard_info_of(record);
        goes_on = visit(&info, context);
    }
    open_lock_drop(&guard_lock, &hold);
    return goes_on;
}
