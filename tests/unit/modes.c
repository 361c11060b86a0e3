/* The settings decide which modes there are and in which order, and each mode does its own part.
 * Observers see each call once, and a realloc while its old address still belongs to the caller. */
#include "threads.h"

#include "bodies.h"

#include <errno.h>

#include "base/numbers.h"
#include "check/modes.h"
#include "check/observed.h"
#include "guard/guard_range.h"
#include "heap/heap.h"
#include "heap/heap_enter.h"
#include "heap/size_class.h"
#include "mallow.h"
#include "process/calls.h"
#include "process/modes.h"
#include "process/mtrace_log.h"
#include "process/options.h"

/* ---- the order of the modes ---- */

static void begin(const char *options) {
    setenv("MALLOW_OPTIONS", options, 1);
    options_read();
    settings.check_action = CHECK_REPORT;
}

/* `expected` lists the modes from the topmost one to the plain one. */
static void check_modes(const struct mode *const *expected, enum mode_sees sees) {
    const struct mode *mode = mode_now();
    for (; *expected != &plain_mode; expected++, mode = mode_below(mode)) CHECK(mode == *expected);
    CHECK(mode == &plain_mode && mode_below(mode) == NULL);
    CHECK_EQUAL(mode_sees, sees);
}
#define MODES(...) ((const struct mode *const[]){__VA_ARGS__, &plain_mode})

static void nothing_lies_on_the_plain_mode(void) {
    begin("");
    CHECK(mode_is_plain());
    check_modes((const struct mode *const[]){&plain_mode}, MODE_SEES_REST);
}

static void check_full_guards_what_is_too_large(void) {
    begin("check=full");
    CHECK(!mode_is_plain());
    check_modes(MODES(&full_mode, &guarded_large_mode), MODE_SEES_ALL);
    void *large = mallow_malloc(100 * KIB), *small = mallow_malloc(100);
    CHECK(guard_range_contains(large) && !guard_range_contains(small));
    mallow_free(large);
    mallow_free(small);
}

static void check_hard_also_clears_what_it_passes_on(void) {
    begin("check=hard");
    check_modes(MODES(&hard_mode, &guarded_large_mode, &filled_mode), MODE_SEES_ALL);
}

static void check_seal_uses_the_magazines(void) {
    begin("check=seal");
    check_modes(MODES(&seal_mode), MODE_SEES_COUNTED);
    CHECK(!modes_serve_free());
    modes_set(MODE_COUNT, true);
    check_modes(MODES(&observed_mode, &seal_mode), MODE_SEES_ALL);
    modes_set(MODE_COUNT, false);
    check_modes(MODES(&seal_mode), MODE_SEES_COUNTED);
    CHECK(!modes_serve_free());
}

static void guards_count_calls(void) {
    begin("guard=5000");
    check_modes(MODES(&counted_mode, &guarded_sample_mode), MODE_SEES_COUNTED);
}

static void every_block_is_guarded(void) {
    begin("guard=1");
    check_modes(MODES(&counted_mode, &guarded_sample_mode), MODE_SEES_COUNTED);
    void *block = mallow_malloc(100);
    CHECK(guard_range_contains(block));
    CHECK_EQUAL(mallow_usable_size(block), 100);
    mallow_free(block);
}

static void all_modes_at_once_keep_their_order(void) {
    begin("check=full,guard=5000,zero_on_free=on,stats=exit");
    check_modes(MODES(&observed_mode, &counted_mode, &guarded_sample_mode, &full_mode,
                      &guarded_large_mode, &filled_mode),
                MODE_SEES_ALL);
    modes_set(MODE_COUNT, false);
    check_modes(
        MODES(&counted_mode, &guarded_sample_mode, &full_mode, &guarded_large_mode, &filled_mode),
        MODE_SEES_ALL);
}

/* ---- what single modes do ---- */

static void freed_blocks_are_cleared(void) {
    begin("zero_on_free=on");
    check_modes(MODES(&filled_mode), MODE_SEES_ALL);
    char *volatile block = mallow_malloc(1000);
    memset(block, 0x77, 1000);
    mallow_free(block);
    for (int i = 0; i < 1000; i++) CHECK_EQUAL(block[i], 0);
}

static void check_relieves(const char *options) {
    begin(options);
    struct heap *heap = heap_enter();
    CHECK(heap != NULL && !mode_relieve(heap));
    heap_leave(heap);
    mallow_free(mallow_malloc(100));
    heap = heap_enter();
    CHECK(mode_relieve(heap));
    CHECK(!mode_relieve(heap));
    heap_leave(heap);
}

static void check_full_gives_back_its_quarantine(void) { check_relieves("check=full"); }
static void check_hard_gives_back_its_rings(void) { check_relieves("check=hard"); }

static void sizes_are_known_in_every_mode(void) {
    begin("check=hard");
    void *block = mallow_malloc(100);
    size_t usable = 0;
    CHECK(mode_usable_size(block, &usable));
    CHECK_EQUAL(usable, 100);
    CHECK(!mode_usable_size((char *)block + 16, &usable));
    mallow_free(block);
    CHECK(!mode_usable_size(block, &usable));
}

/* ---- observers ---- */

static struct {
    int before, allocated, freeing, resized;
    struct resize_event last;
    size_t old_size; /* usable size of the old block at the time of the call */
} seen;

static void see_before(void) { seen.before++; }
static void see_allocated(const void *p, const struct alloc_request *request) {
    (void)p, (void)request;
    seen.allocated++;
}
static void see_freeing(void *p, const struct free_request *request) {
    (void)request;
    seen.freeing++;
    CHECK(mallow_usable_size(p) != 0);
}
static void see_resized(const struct resize_event *event) {
    seen.resized++;
    seen.last = *event;
    seen.old_size = event->is_copy ? mallow_usable_size(event->old) : 0;
}

static struct observer observer = {see_before, see_allocated, see_freeing, see_resized, false};

static void observe(void) {
    begin("");
    modes_set(MODE_TRACE, true);
    observers[0] = &observer;
}

static void observers_see_each_call_once(void) {
    observe();
    void *block = mallow_malloc(100);
    CHECK_EQUAL(seen.before, 1);
    CHECK_EQUAL(seen.allocated, 1);
    block = mallow_realloc(block, 5000);
    CHECK_EQUAL(seen.before, 2);
    CHECK_EQUAL(seen.resized, 1);
    CHECK(seen.last.is_copy && seen.last.p == block && seen.last.size == 5000);
    CHECK(seen.old_size != 0 && seen.old_size == seen.last.before);
    block = mallow_realloc(block, 5001);
    CHECK_EQUAL(seen.resized, 2);
    CHECK(!seen.last.is_copy && seen.last.p == block && seen.last.old == block);
    mallow_free(block);
    CHECK_EQUAL(seen.before, 4);
    CHECK_EQUAL(seen.freeing, 1);
    CHECK_EQUAL(seen.allocated, 1);
}

/* A log must name the old address before another thread can have it. */
static void a_log_sees_the_old_address_in_use(void) {
    enum { SIZE = 32 << 20 };
    observe();
    observer.needs_old_address = true;
    void *block = mallow_malloc(SIZE);
    for (size_t size = 2 * (size_t)SIZE; size <= 8 * (size_t)SIZE; size *= 2) {
        block = mallow_realloc(block, size);
        CHECK(block != NULL && seen.last.is_copy);
        CHECK(seen.old_size >= size / 2);
    }
    mallow_free(block);
    CHECK(mtrace_observer.needs_old_address);
}

static void a_copy_counts_as_an_allocation_and_a_free(void) {
    begin("check=full,stats=exit"); /* always copies */
    struct mallow_call_page *page = calls_page();
    struct mallow_size_calls *row = &page->rows[size_class_of(100)];
    uint64_t live = page->live_bytes, allocations = row->allocations, frees = row->frees;
    void *block = mallow_malloc(100);
    block = mallow_realloc(block, 104);
    CHECK_EQUAL(row->allocations, allocations + 2);
    CHECK_EQUAL(row->frees, frees + 1);
    CHECK_EQUAL(page->live_bytes, live + 104);
    mallow_free(block);
    CHECK_EQUAL(row->frees, frees + 2);
    CHECK_EQUAL(page->live_bytes, live);
}

static void success_leaves_errno_alone(void) {
    begin("check=full");
    errno = 4711;
    void *block = mallow_malloc(100 * KIB);
    block = mallow_realloc(block, 200 * KIB);
    CHECK(block != NULL);
    CHECK_EQUAL(errno, 4711);
    mallow_free(block);
    CHECK_EQUAL(errno, 4711);
}

int main(void) {
    struct body bodies[] = {
        BODY(nothing_lies_on_the_plain_mode),
        BODY(check_full_guards_what_is_too_large),
        BODY(check_hard_also_clears_what_it_passes_on),
        BODY(check_seal_uses_the_magazines),
        BODY(guards_count_calls),
        BODY(every_block_is_guarded),
        BODY(all_modes_at_once_keep_their_order),
        BODY(freed_blocks_are_cleared),
        BODY(check_full_gives_back_its_quarantine),
        BODY(check_hard_gives_back_its_rings),
        BODY(sizes_are_known_in_every_mode),
        BODY(observers_see_each_call_once),
        BODY(a_log_sees_the_old_address_in_use),
        BODY(a_copy_counts_as_an_allocation_and_a_free),
        BODY(success_leaves_errno_alone),
    };
    return run_bodies(bodies);
}
