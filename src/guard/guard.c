#include "guard/guard.h"

#include "base/assert.h"
#include "base/atomics.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "guard/guard_budget.h"
#include "guard/guard_damage.h"
#include "guard/guard_info.h"
#include "guard/guard_pages.h"
#include "guard/guard_place.h"
#include "guard/guard_range.h"
#include "guard/guard_table.h"
#include "os/os.h"
#include "os/thread_id.h"
#include "report/fault.h"
#include "report/report.h"

static struct guard_record *guard_in_motion; /* its pages are being opened or closed */

/* Returns the offset of the block in its pages. */
static size_t guard_offset(size_t size, size_t bytes, size_t align) {
    return settings.guard_left ? 0 : (bytes - size) & ~(align - 1);
}

/* The holder of guard_lock may jump away, and a fork does not wait for it. The next thread then
 * completes the change of guard_in_motion. */
static bool guard_open_pages(struct guard_record *record) {
    open_lock_assert_held(&guard_lock);
    MALLOW_ASSERT(guard_in_motion == NULL);
    MALLOW_ASSERT(record->life == LIFE_NONE);
    guard_in_motion = record;
    if (!guard_pages_open(record->first, record->pages - 1)) {
        guard_in_motion = NULL;
        guard_table_refuse(record);
        return false;
    }
    guard_place_keep(record);
    guard_damage_fill(record);
    return true;
}

static void guard_close_pages(struct guard_record *record) {
    guard_table_close(record, record->pages - !record->opened);
    record->opened = false;
    guard_in_motion = NULL;
}

static struct guard_record *guard_make(size_t size, size_t align) {
    open_lock_assert_held(&guard_lock);
    size_t bytes = round_up(size, os_page_size());
    if (!guard_budget_allows(bytes) || !guard_range_begin(guard_budget_range())) return NULL;
    struct guard_record *record = guard_place_take(bytes / os_page_size(), align);
    if (record == NULL) return NULL;
    record->start = guard_table_start(record) + guard_offset(size, bytes, align);
    record->size = size;
    return guard_open_pages(record) ? record : NULL;
}

/* fault_watch is called for each of the first blocks, because programs install their handlers
 * early. Then it is called for one block in so many, because its system call is a noticeable part
 * of the time of a block. */
#define WATCH_EVERY 16u

static void guard_watch(void) {
    static UNTOUCHED unsigned passed;
    if (passed < WATCH_EVERY || passed % WATCH_EVERY == 0) fault_watch();
    passed++;
}

static void guard_describe_free(struct guard_record *record, stack_id stack) {
    record->freed = stack;
    record->freed_by = thread_id();
}

/* The record says who freed the block. */
static void guard_release(struct guard_record *record) {
    open_lock_assert_held(&guard_lock);
    MALLOW_ASSERT(record->life == LIFE_LIVE);
    guard_in_motion = record;
    signal_order(); /* until then the child of a fork finds it live, with its pages accessible */
    record->life = LIFE_FREED;
    guard_budget_count(record, false);
    guard_close_pages(record);
    guard_table_release(record);
}

/* ---- frees without the lock ---- */

/* True if records with `leaving` may exist. */
static _Atomic bool guard_frees_wait;

/* Frees the blocks whose frees were refused the lock, without looking for damage. */
static RARE void guard_free_waiting(void) {
    struct guard_record *record;
    for (uint32_t n = 1; (record = guard_table_record(n)) != NULL; n++)
        if (record->life == LIFE_LIVE && record->leaving == LEAVING) guard_release(record);
}

static void guard_free_late(void) {
    open_lock_assert_held(&guard_lock);
    if (unlikely(atomic_load_explicit(&guard_frees_wait, memory_order_relaxed)) &&
        atomic_exchange_explicit(&guard_frees_wait, false, memory_order_acquire))
        guard_free_waiting();
}

/* Leaves the free to the next thread that gets the lock. Until then the block stays accessible.
 * Returns false if no live block begins at p. */
static RARE bool guard_free_later(const void *p, stack_id stack) {
    struct guard_record *record = guard_table_owner(p);
    if (record == NULL || record->life != LIFE_LIVE || record->start != p) return false;
    uint8_t none = LEAVING_NOT;
    if (!atomic_compare_exchange_strong(&record->leaving, &none, LEAVING_SOON)) return false;
    guard_describe_free(record, stack);
    atomic_store(&record->leaving, LEAVING);
    atomic_store_explicit(&guard_frees_wait, true, memory_order_release);
    return true;
}

/* ---- allocating and freeing ---- */

void *guard_alloc(size_t size, size_t align, enum family family, stack_id stack) {
    char *start = NULL;
    struct lock_hold hold;
    if (size > PTRDIFF_MAX || !open_lock_take(&guard_lock, &hold)) return NULL;
    guard_free_late();
    struct guard_record *record = guard_make(size, max_size(align, UNIT));
    if (record != NULL) {
        start = record->start;
        record->family = (uint8_t)family;
        record->align = (uint8_t)__builtin_ctzl(align);
        record->allocated = stack;
        record->allocated_by = thread_id();
        record->life = LIFE_LIVE;
        signal_order(); /* the child of a fork finds it in motion or live */
        guard_in_motion = NULL;
        guard_budget_count(record, true);
        guard_watch();
    }
    open_lock_drop(&guard_lock, &hold);
    return start;
}

static RARE void guard_report_free(const void *p) {
    struct block_info block;
    bool known = guard_info(p, &block);
    bool twice = known && block.life == LIFE_FREED && block.start == p;
    report_error(&(struct error){
        .cause = twice ? "double free" : "invalid free",
        .p = p,
        .block = known ? &block : NULL,
    });
}

static enum guard_result guard_result_of(bool freed, const void *p) {
    if (!freed) guard_report_free(p);
    return freed ? GUARD_FREED : GUARD_BAD;
}

/* A damaged block is freed after the report, because the report shows its content. */
/* NOLINTNEXTLINE(misc-no-recursion): damage is found once for each block */
enum guard_result guard_free(void *p, stack_id stack) {
    struct guard_damage damage;
    struct lock_hold hold;
    if (!guard_range_contains(p)) return GUARD_NOT;
    if (unlikely(!open_lock_take(&guard_lock, &hold)))
        return guard_result_of(guard_free_later(p, stack), p);
    guard_free_late();
    struct guard_record *record = guard_table_live_at(p);
    bool troubled = record != NULL && guard_damage_find(record, &damage);
    if (record != NULL && !troubled) {
        guard_describe_free(record, stack);
        guard_release(record);
    }
    open_lock_drop(&guard_lock, &hold);
    if (troubled) {
        guard_damage_report(&damage.block, damage.at);
        return guard_free(p, stack);
    }
    return guard_result_of(record != NULL, p);
}

static void guard_mark_opened(struct guard_record *record) {
    open_lock_assert_held(&guard_lock);
    if (record->life == LIFE_LIVE)
        record->opened = true;
    else
        record->stays = true;
}

/* A page without an owner stays closed, because a block may get it later. Page 0 never has one. */
RARE bool guard_open(const void *p) {
    if (!guard_range_contains(p)) return false;
    struct lock_hold hold;
    char *page = (char *)((uintptr_t)p & ~(os_page_size() - 1));
    if (!open_lock_take(&guard_lock, &hold)) return false;
    struct guard_record *record = guard_table_owner(p);
    bool opened = (record != NULL || page == guard_range_page(0)) &&
                  guard_pages_open((uint32_t)guard_range_page_of(page), 1);
    if (opened && record != NULL) guard_mark_opened(record);
    open_lock_drop(&guard_lock, &hold);
    return opened;
}

/* Treats a block that the holder was making or freeing as freed. */
static RARE void guard_finish_motion(void) {
    struct guard_record *record = guard_in_motion;
    guard_in_motion = NULL;
    if (record == NULL || record->life == LIFE_LIVE) return;
    record->life = LIFE_FREED;
    guard_table_close(record, record->pages);
}

/* Repairs everything from the records, after the holder of the lock has gone. */
static RARE void guard_repair(void) {
    guard_pages_repair();
    guard_finish_motion();
    guard_table_repair();
    guard_budget_forget();
    struct guard_record *record;
    for (uint32_t n = 1; (record = guard_table_record(n)) != NULL; n++)
        if (record->life == LIFE_LIVE) guard_budget_count(record, true);
    atomic_store_explicit(&guard_frees_wait, true, memory_order_relaxed);
}

struct open_lock guard_lock = {.repair = guard_repair, .kind = GUARD_LOCK};

RARE void guard_after_fork(void) {
    if (open_lock_after_fork(&guard_lock)) guard_repair();
}
