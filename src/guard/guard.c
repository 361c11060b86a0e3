#include "guard/guard.h"

#include <string.h>

#include "base/assert.h"
#include "base/atomics.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "base/text.h"
#include "guard/guard_table.h"
#include "os/os.h"
#include "os/thread_id.h"
#include "report/fault.h"
#include "report/report.h"

#define GUARD_FILLED 0xd3 /* what lead and slack hold */

/* Live blocks may take half of a budget, a third goes to a range of 32 times the budget: a record
 * of 64 bytes for two pages, and an entry of the index and one of the kernel's for each. */
#define GUARD_BUDGET_DEFAULT MIB
#define RANGE_OF_BUDGET 32u
#define RANGE_MAX (64 * GIB)
#define RANGE_PAGES_MIN ((size_t)2048)
#define LARGEST_SHARE 32u /* no block takes more of it */

static UNTOUCHED struct {
    size_t blocks, bytes;           /* live, with pages; and these pages */
    struct mapping_counts counts;   /* of all that live, as they were asked for */
    struct guard_record *in_motion; /* its pages are being opened or closed */
} guarded;

/* ---- how many there may be ---- */

static size_t budget_now(void) {
    if (settings.guard_budget != 0) return settings.guard_budget;
    return settings.guard > 1 && !settings.guard_large ? GUARD_BUDGET_DEFAULT : SIZE_MAX;
}

static size_t range_bytes(void) {
    size_t most = min_size(budget_now(), RANGE_MAX / RANGE_OF_BUDGET) * RANGE_OF_BUDGET;
    return max_size(most, RANGE_PAGES_MIN * os_page_size());
}

/* Each block that is accessible divides a mapping into three. */
static bool mappings_left(void) {
    static UNTOUCHED size_t most;
    if (most == 0) most = os_mapping_limit() / 4;
    return guarded.blocks < most;
}

static bool is_within_budget(size_t bytes) {
    size_t most = budget_now();
    if (most == SIZE_MAX) return true;
    return bytes <= max_size(most / LARGEST_SHARE, os_page_size()) &&
           guarded.bytes + bytes <= most / 2;
}

static void count_guarded(const struct guard_record *record, bool comes) {
    size_t bytes = (record->pages - 1) * os_page_size();
    MALLOW_ASSERT(comes || guarded.bytes >= bytes);
    MALLOW_ASSERT(comes || bytes == 0 || guarded.blocks != 0);
    (comes ? mapping_count_in : mapping_count_out)(&guarded.counts, record->size);
    if (bytes == 0) return;
    guarded.blocks += comes ? 1 : (size_t)-1;
    guarded.bytes += comes ? bytes : -bytes;
}

/* ---- lead and slack ---- */

static char *pages_of(const struct guard_record *record) { return guard_table_page(record->first); }
static char *pages_end(const struct guard_record *record) {
    return guard_table_page(record->first + record->pages - 1);
}

static void fill_around(const struct guard_record *record) {
    char *pages = pages_of(record), *end = record->start + record->size;
    MALLOW_ASSERT(record->start >= pages);
    MALLOW_ASSERT(end <= pages_end(record));
    memset(pages, GUARD_FILLED, (size_t)(record->start - pages));
    memset(end, GUARD_FILLED, (size_t)(pages_end(record) - end));
}

static bool is_guard_filled(const char *from, const char *to) {
    return from == to || (*(const uint8_t *)from == GUARD_FILLED &&
                          memcmp(from, from + 1, (size_t)(to - from) - 1) == 0);
}

/* The byte nearest to the block that was written around it; NULL when there is none. */
static const char *damage_of(const struct guard_record *record) {
    const char *pages = pages_of(record), *end = record->start + record->size;
    const char *at = end, *pages_last = pages_end(record);
    if (!is_guard_filled(end, pages_last)) {
        while (*(const uint8_t *)at == GUARD_FILLED) at++;
        return at;
    }
    if (is_guard_filled(pages, record->start)) return NULL;
    for (at = record->start - 1; *(const uint8_t *)at == GUARD_FILLED;) at--;
    return at;
}

/* ---- reports ---- */

static struct block_info info_of_guarded(const struct guard_record *record) {
    return (struct block_info){
        .life = record->life,
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

static RARE void report_damage(const struct block_info *block, const char *at) {
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

static RARE void report_bad_free(const void *p) {
    struct block_info block;
    bool known = guard_info(p, &block);
    bool twice = known && block.life == LIFE_FREED && block.start == p;
    report_error(&(struct error){
        .cause = twice ? "double free" : "invalid free",
        .p = p,
        .block = known ? &block : NULL,
    });
}

/* ---- the blocks ---- */

/* Where the block begins in its pages. */
static size_t offset_in_pages(size_t size, size_t bytes, size_t align) {
    return settings.guard_left ? 0 : (bytes - size) & ~(align - 1);
}

/* Under the lock, which a fork does not wait for. */
static bool open_guarded(struct guard_record *record) {
    lock_assert_held(&guard_lock);
    MALLOW_ASSERT(guarded.in_motion == NULL);
    MALLOW_ASSERT(record->life == LIFE_NONE);
    char *pages = pages_of(record);
    size_t bytes = (size_t)(pages_end(record) - pages);
    guarded.in_motion = record;
    if (bytes != 0 && !os_commit(pages, bytes)) {
        guarded.in_motion = NULL;
        guard_table_refuse(record);
        return false;
    }
    guard_table_keep(record);
    fill_around(record);
    return true;
}

static void close_guarded(struct guard_record *record) {
    guard_table_close(record, record->pages - !record->opened);
    record->opened = false;
    guarded.in_motion = NULL;
}

static struct guard_record *place_guarded(size_t size, size_t align) {
    lock_assert_held(&guard_lock);
    size_t bytes = round_up(size, os_page_size());
    if (!is_within_budget(bytes) || !mappings_left() || !guard_table_begin(range_bytes()))
        return NULL;
    struct guard_record *record = guard_table_place(bytes / os_page_size(), align);
    if (record == NULL) return NULL;
    record->start = pages_of(record) + offset_in_pages(size, bytes, align);
    record->size = size;
    return open_guarded(record) ? record : NULL;
}

/* Of every block's guarding the system call would be a part that is felt. */
#define WATCH_EVERY 16u

static void watch_now_and_then(void) {
    static UNTOUCHED unsigned passed;
    if (settings.guard != 1 || passed++ % WATCH_EVERY == 0) fault_watch();
}

void *guard_alloc(size_t size, size_t align, enum family family, stack_id stack) {
    char *start = NULL;
    if (size > PTRDIFF_MAX) return NULL;
    lock_take(&guard_lock);
    struct guard_record *record = place_guarded(size, max_size(align, UNIT));
    if (record != NULL) {
        start = record->start;
        record->family = (uint8_t)family;
        record->align = (uint8_t)__builtin_ctzl(align);
        record->allocated = stack;
        record->allocated_by = thread_id();
        record->life = LIFE_LIVE;
        signal_order(); /* a fork finds it in motion or live */
        guarded.in_motion = NULL;
        count_guarded(record, true);
        watch_now_and_then();
    }
    lock_drop(&guard_lock);
    return start;
}

static struct guard_record *live_guarded_at(const void *p) {
    lock_assert_held(&guard_lock);
    struct guard_record *record = guard_table_owner(p);
    return record != NULL && record->life == LIFE_LIVE && record->start == p ? record : NULL;
}

static void release_guarded(struct guard_record *record, stack_id stack) {
    lock_assert_held(&guard_lock);
    MALLOW_ASSERT(record->life == LIFE_LIVE);
    record->freed = stack;
    record->freed_by = thread_id();
    guarded.in_motion = record;
    signal_order(); /* a fork finds it live or in motion: its pages are still accessible */
    record->life = LIFE_FREED;
    count_guarded(record, false);
    close_guarded(record);
    guard_table_release(record);
}

struct trouble {
    struct block_info block;
    const char *damage;
};

/* What somebody wrote around a live block; it is marked as reported. */
static bool find_trouble(struct guard_record *record, struct trouble *found) {
    lock_assert_held(&guard_lock);
    found->damage = record->reported ? NULL : damage_of(record);
    if (found->damage == NULL) return false;
    record->reported = true;
    found->block = info_of_guarded(record);
    return true;
}

/* A damaged block is freed after the report, which shows it. */
/* NOLINTNEXTLINE(misc-no-recursion): trouble is found once */
enum guard_result guard_free(void *p, stack_id stack) {
    struct trouble trouble;
    if (!guard_table_covers(p)) return GUARD_NOT;
    lock_take(&guard_lock);
    struct guard_record *record = live_guarded_at(p);
    bool troubled = record != NULL && find_trouble(record, &trouble);
    if (record != NULL && !troubled) release_guarded(record, stack);
    lock_drop(&guard_lock);
    if (troubled) {
        report_damage(&trouble.block, trouble.damage);
        return guard_free(p, stack);
    }
    if (record == NULL) report_bad_free(p);
    return record != NULL ? GUARD_FREED : GUARD_BAD;
}

/* ---- what is known ---- */

bool guard_contains(const void *p) { return guard_table_covers(p); }

static size_t distance_to(const struct guard_record *record, const char *p) {
    return (size_t)(p < record->start ? record->start - p : p - (record->start + record->size));
}

/* Of the record of an inaccessible page and the one behind it: that which has no other pages' bytes
 * between its block and p's page, or the nearer one. */
static struct guard_record *nearer_record(struct guard_record *before, struct guard_record *behind,
                                          const char *p) {
    if (before == NULL || behind == NULL) return before != NULL ? before : behind;
    bool before_touches = pages_end(before) - (before->start + before->size) < (ptrdiff_t)UNIT;
    bool behind_touches = behind->start == pages_of(behind);
    if (before_touches != behind_touches) return before_touches ? before : behind;
    return distance_to(before, p) <= distance_to(behind, p) ? before : behind;
}

static struct guard_record *record_around(const void *p) {
    struct guard_record *record = guard_table_owner(p);
    if (record != NULL && guard_table_is_inside(record, p)) return record;
    return nearer_record(record, guard_table_owner((const char *)p + os_page_size()), p);
}

bool guard_info(const void *p, struct block_info *info) {
    if (!guard_table_covers(p)) return false;
    lock_take(&guard_lock);
    const struct guard_record *record = record_around(p);
    if (record != NULL) *info = info_of_guarded(record);
    lock_drop(&guard_lock);
    return record != NULL;
}

bool guard_live(const void *p, struct block_info *info) {
    const struct guard_record *record = guard_table_owner(p);
    if (record == NULL || racy_load(uint8_t, &record->life) != LIFE_LIVE || record->start != p)
        return false;
    *info = info_of_guarded(record);
    return true;
}

size_t guard_rest(const void *p) {
    const struct guard_record *record = guard_table_owner(p);
    if (record == NULL || racy_load(uint8_t, &record->life) != LIFE_LIVE) return 0;
    size_t offset = (size_t)((const char *)p - record->start); /* huge when p is before */
    return offset < record->size ? record->size - offset : 0;
}

size_t guard_usable(const void *p) {
    if (!guard_table_covers(p)) return 0;
    lock_take(&guard_lock);
    const struct guard_record *record = live_guarded_at(p);
    size_t size = record == NULL ? 0 : record->size;
    lock_drop(&guard_lock);
    return size;
}

/* The first damaged one from the n-th record on, 0: none. */
static uint32_t next_damaged(uint32_t n, struct trouble *found) {
    struct guard_record *record;
    lock_take(&guard_lock);
    for (; (record = guard_table_record(n)) != NULL; n++)
        if (record->life == LIFE_LIVE && find_trouble(record, found)) break;
    lock_drop(&guard_lock);
    return record == NULL ? 0 : n;
}

RARE size_t guard_check_all(void) {
    struct trouble trouble;
    size_t damaged = 0;
    for (uint32_t n = 1; (n = next_damaged(n, &trouble)) != 0; n++, damaged++)
        report_damage(&trouble.block, trouble.damage);
    return damaged;
}

RARE const char *guard_verify(const void *p) {
    struct block_info block;
    const char *written = NULL;
    if (!guard_table_covers(p)) return NULL;
    lock_take(&guard_lock);
    struct guard_record *record = live_guarded_at(p);
    if (record != NULL) {
        written = damage_of(record);
        block = info_of_guarded(record);
    }
    lock_drop(&guard_lock);
    if (written != NULL) report_damage(&block, written);
    return written;
}

RARE struct mapping_counts guard_count(void) {
    lock_take(&guard_lock);
    struct mapping_counts counts = guarded.counts;
    lock_drop(&guard_lock);
    return counts;
}

RARE bool guard_each_live(bool (*visit)(const struct block_info *info, void *context),
                          void *context) {
    bool goes_on = true;
    struct guard_record *record;
    lock_take(&guard_lock);
    for (uint32_t n = 1; goes_on && (record = guard_table_record(n)) != NULL; n++) {
        if (record->life != LIFE_LIVE) continue;
        struct block_info info = info_of_guarded(record);
        goes_on = visit(&info, context);
    }
    lock_drop(&guard_lock);
    return goes_on;
}

static void mark_opened(struct guard_record *record) {
    lock_assert_held(&guard_lock);
    if (record->life == LIFE_LIVE)
        record->opened = true;
    else
        record->stays = true;
}

/* A page of nobody's would be somebody's later. */
RARE bool guard_open(const void *p) {
    if (!guard_table_covers(p)) return false;
    char *page = (char *)((uintptr_t)p & ~(os_page_size() - 1));
    lock_take(&guard_lock);
    struct guard_record *record = guard_table_owner(p);
    bool opened =
        (record != NULL || page == guard_table_page(0)) && os_commit(page, os_page_size());
    if (opened && record != NULL) mark_opened(record);
    lock_drop(&guard_lock);
    return opened;
}

/* ---- sampling ---- */

/* Even over 1 to 2N - 1. */
static size_t draw_interval(struct sample_countdown *sample) {
    MALLOW_ASSERT(settings.guard != 0);
    sample->random ^= sample->random << 13;
    sample->random ^= sample->random >> 7;
    sample->random ^= sample->random << 17;
    return sample->random % (2 * min_size(settings.guard, SIZE_MAX / 4) - 1) + 1;
}

bool guard_due(struct sample_countdown *sample, size_t passed) {
    if (settings.guard == 0) return false;
    if (sample->random == 0) {
        sample->random = os_random() | 1;
        sample->left = draw_interval(sample);
    }
    if (passed < sample->left) {
        sample->left -= passed;
        return false;
    }
    /* What was passed beyond the one that was due counts for the next. */
    size_t beyond = passed - sample->left, interval = draw_interval(sample);
    sample->left = interval > beyond ? interval - beyond : 1;
    return true;
}

/* ---- fork ---- */

/* What had not yet become a block, or was not yet closed, is as good as freed. */
static RARE void finish_motion(void) {
    struct guard_record *record = guarded.in_motion;
    guarded.in_motion = NULL;
    if (record == NULL || record->life == LIFE_LIVE) return;
    record->life = LIFE_FREED;
    guard_table_close(record, record->pages);
}

RARE void guard_after_fork(void) {
    bool was_held = atomic_load_explicit(&guard_lock.word, memory_order_relaxed) != 0;
    atomic_store_explicit(&guard_lock.word, 0, memory_order_relaxed);
    if (!was_held) return;
    finish_motion();
    guard_table_after_fork();
    guarded.blocks = guarded.bytes = 0;
    guarded.counts = (struct mapping_counts){.count_max = guarded.counts.count_max,
                                             .bytes_max = guarded.counts.bytes_max};
    struct guard_record *record;
    for (uint32_t n = 1; (record = guard_table_record(n)) != NULL; n++)
        if (record->life == LIFE_LIVE) count_guarded(record, true);
}
