#include "check/special.h"

#include <errno.h>
#include <string.h>

#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "check/full.h"
#include "check/hard.h"
#include "check/mtrace.h"
#include "check/told.h"
#include "check/verify.h"
#include "guard/guard.h"
#include "heap/alloc.h"
#include "heap/decay.h"
#include "heap/find.h"
#include "heap/heap.h"
#include "mallow.h"
#include "os/os.h"
#include "process/calls.h"
#include "report/report.h"

static bool is_on(unsigned bits) { return (settings.special & bits) != 0; }

/* ---- stacks ---- */

/* In the heap's slow path, for the cache is the heap's. */
static stack_id stack_of(struct heap *heap, const void *entry) {
    return settings.frames == 0 ? 0 : stack_capture_from(&heap->stacks, settings.frames, entry);
}

static stack_id stack_for_guarded(const void *entry) {
    if (settings.check != CHECK_FULL && !is_on(SPECIAL_GUARD)) return 0;
    struct heap *heap = heap_enter();
    if (heap == NULL) return 0;
    stack_id stack = stack_of(heap, entry);
    heap_leave(heap);
    return stack;
}

static void verify_if_pedantic(void) {
    if (is_on(SPECIAL_PEDANTIC)) verify_all("found by mcheck_pedantic");
}

/* ---- allocation ---- */

static void *obtain_plain(const struct ask *ask) {
    bool zeroed;
    void *p = alloc_plain(ask->size, ask->align, &zeroed);
    if (p == NULL || (ask->zero ? zeroed : !is_on(SPECIAL_FILL))) return p;
    return memset(p, ask->zero ? 0 : settings.perturb ^ 0xff, mallow_usable_size(p));
}

#define FILL_MAX (64 * KIB) /* a large block's pages are not all touched for a fill */

/* Guarded blocks come zeroed. */
static void *obtain_guarded(const struct ask *ask, stack_id stack) {
    char *p = guard_alloc(ask->size, ask->align, ask->family, stack);
    if (p == NULL || ask->zero || settings.check != CHECK_FULL) return p;
    uint8_t fill = settings.perturb != 0 ? (uint8_t)(settings.perturb ^ 0xff) : FILL_FRESH;
    return memset(p, fill, min_size(ask->size, FILL_MAX));
}

static void *alloc_full(const struct ask *ask) {
    struct heap *heap = heap_enter();
    if (heap == NULL) return NULL;
    void *p = full_alloc(heap, ask, stack_of(heap, ask->entry));
    decay_turn(heap);
    heap_leave(heap);
    return p;
}

static void *obtain_full(const struct ask *ask) {
    void *p = alloc_full(ask);
    return p != NULL ? p : obtain_guarded(ask, stack_for_guarded(ask->entry));
}

/* All that the last refill brought was allocated since, but for its first slot, which went to the
 * call that was counted then. */
static size_t passed_since(struct heap *heap, size_t size) {
    if (size > SLOT_MAX) return 1;
    struct bin *bin = &heap->bin[class_of(size)];
    size_t passed = max_size(bin->given, 1);
    bin->given = 0;
    return passed;
}

static bool is_to_be_guarded(size_t size) {
    struct heap *heap = is_on(SPECIAL_GUARD) ? heap_enter() : NULL;
    if (heap == NULL) return false;
    bool due = guard_due(&heap->sample, passed_since(heap, size));
    heap_leave(heap);
    return due;
}

/* Blocks too large for a slot are guarded where others are checked. */
static void *obtain_special(const struct ask *ask) {
    void *p = NULL;
    if (is_to_be_guarded(ask->size)) p = obtain_guarded(ask, stack_for_guarded(ask->entry));
    if (p == NULL && is_on(SPECIAL_FULL)) return obtain_full(ask);
    if (p == NULL && is_on(SPECIAL_HARD)) {
        p = hard_alloc(ask->size, ask->align);
        if (p == NULL) p = obtain_guarded(ask, stack_for_guarded(ask->entry));
    }
    return p;
}

static void *obtain(const struct ask *ask) {
    void *p = NULL;
    int before = errno;
    if (ask->size <= PTRDIFF_MAX && is_on(SPECIAL_FULL | SPECIAL_HARD | SPECIAL_GUARD))
        p = obtain_special(ask);
    if (p == NULL) p = obtain_plain(ask);
    if (p != NULL) errno = before; /* one way may have failed before another did not */
    return p;
}

APART void *special_alloc(const struct ask *ask) {
    void *block = settings.special == SPECIAL_FULL ? alloc_full(ask) : NULL;
    if (likely(block != NULL)) return block;
    verify_if_pedantic();
    void *p = obtain(ask);
    if (is_on(SPECIAL_COUNT) && p != NULL) calls_count_alloc(mallow_usable_size(p));
    if (is_on(SPECIAL_TRACE))
        mtrace_alloc(p, ask->logged != 0 ? ask->logged : ask->size, ask->caller);
    return p;
}

/* ---- freeing ---- */

/* What is filled was in use until now: the plain paths find out whether that is so. */
static void fill_before_free(void *p) {
    if (!is_on(SPECIAL_FILL | SPECIAL_ZERO | SPECIAL_HARD)) return;
    struct found block = find_block(p);
    if (block.kind == BLOCK_NONE || block.kind == BLOCK_MAPPING) return; /* whose pages all go */
    /* What is free must be zero in check=hard, whatever else is asked for. */
    bool zero = is_on(SPECIAL_ZERO | SPECIAL_HARD);
    memset(p, zero ? 0 : settings.perturb, block.usable);
}

static bool is_full(const void *p, struct place *place) {
    return is_on(SPECIAL_FULL) && place_of(p, place) && full_is_known(place);
}

static void release_full(const struct place *place, void *p, const struct release *how) {
    /* What is looked at soon arrives while the stack is captured. */
    __builtin_prefetch(record_of(place), 1);
    __builtin_prefetch(place->start, 1);
    __builtin_prefetch(place->start + place->bytes - 1, 1);
    struct heap *heap = heap_enter();
    full_free(heap, place, p, how, heap == NULL ? 0 : stack_of(heap, how->entry));
    if (heap == NULL) return;
    decay_turn(heap);
    heap_leave(heap);
}

static void free_guarded(void *p, const struct release *how) {
    struct block_info info;
    if (guard_live(p, &info)) told_check(&info, how);
    guard_free(p, stack_for_guarded(how->entry));
}

static void release(void *p, const struct release *how) {
    struct place place;
    if (is_on(SPECIAL_HARD) && hard_free_told(p, how)) return;
    if (is_full(p, &place)) {
        release_full(&place, p, how);
    } else if (guard_contains(p)) {
        free_guarded(p, how);
    } else {
        fill_before_free(p);
        free_plain(p, how->caller);
    }
}

/* The plain look-up comes first: it is the short one, and mostly the right one. */
static void count_free(void *p) {
    struct found block;
    struct block_info info;
    if (find_slot(p, &block))
        calls_count_free(block.usable);
    else if (block_info_of(p, &info) && info.life == LIFE_LIVE)
        calls_count_free(info.size);
}

APART void special_free(void *p, const struct release *how) {
    struct place place;
    if (p == NULL) return;
    if (settings.special == SPECIAL_FULL && is_full(p, &place)) {
        release_full(&place, p, how);
        return;
    }
    verify_if_pedantic();
    if (is_on(SPECIAL_TRACE)) mtrace_free(p, how->caller);
    if (is_on(SPECIAL_COUNT)) count_free(p);
    release(p, how);
}

/* ---- the size of a block, and another size for it ---- */

RARE bool special_usable_size(const void *p, size_t *usable) {
    struct place place;
    struct block_info info;
    bool special =
        (place_of(p, &place) && state_get(place.state) == SLOT_CHECKED) || guard_contains(p);
    if (!special || !block_info_of(p, &info) || info.start != p || info.life != LIFE_LIVE)
        return false;
    *usable = info.size;
    return true;
}

static bool find_size(void *p, size_t *size) {
    struct block_info info;
    bool live = block_info_of(p, &info) && info.life == LIFE_LIVE && info.start == p;
    if (live) *size = info.size;
    return live;
}

static void *move(void *p, size_t before, const struct ask *ask) {
    struct release how = {.family = FAMILY_MALLOC, .caller = ask->caller, .entry = ask->entry};
    size_t size = ask->size;
    void *moved = obtain(ask);
    if (moved == NULL) return NULL;
    memcpy(moved, p, min_size(before, size));
    if (is_on(SPECIAL_COUNT)) {
        calls_count_alloc(mallow_usable_size(moved));
        calls_count_free(before);
    }
    if (is_on(SPECIAL_TRACE)) mtrace_realloc(p, moved, size, ask->caller);
    release(p, &how);
    return moved;
}

/* Where the block is, or as its own kind can; NULL when that cannot be. In check=full blocks always
 * move, so that a use of the old address is found. */
static void *resize_kind(void *p, size_t before, size_t size) {
    struct place place;
    if (is_on(SPECIAL_HARD) && place_of(p, &place) && hard_is_known(&place))
        return hard_resize(&place, size) ? p : NULL;
    if (guard_contains(p)) return size == before && !is_on(SPECIAL_FULL) ? p : NULL;
    /* A log must name the old address before another thread can have it. */
    if (is_on(SPECIAL_FULL | SPECIAL_HARD | SPECIAL_TRACE)) return NULL;
    return resize_plain(p, size);
}

/* Without copying. */
static void *resize_here(void *p, size_t before, size_t size, const void *caller) {
    char *resized = resize_kind(p, before, size);
    if (resized == NULL) return NULL;
    size_t after = mallow_usable_size(resized);
    if (is_on(SPECIAL_FILL) && after > before)
        memset(resized + before, settings.perturb ^ 0xff, after - before);
    if (is_on(SPECIAL_COUNT)) calls_count_resize(before, after);
    if (is_on(SPECIAL_TRACE)) mtrace_realloc(p, resized, size, caller);
    return resized;
}

/* In check=hard alone, for blocks in slots; NULL: any other case. */
static void *resize_hard(void *p, size_t size) {
    struct place place;
    if (settings.special != SPECIAL_HARD || !hard_find(p, &place)) return NULL;
    if (hard_resize(&place, size)) return p;
    void *moved = hard_alloc(size, 1);
    if (moved == NULL) return NULL;
    memcpy(moved, p, min_size(hard_size(&place), size));
    hard_free(p);
    return moved;
}

void *special_resize(void *p, size_t size, const void *caller) {
    struct ask ask = {
        .size = size, .align = 1, .caller = caller, .entry = __builtin_frame_address(0)};
    size_t before;
    int error_before = errno;
    verify_if_pedantic();
    void *in_slot = resize_hard(p, size);
    if (in_slot != NULL) return in_slot;
    if (!find_size(p, &before)) return resize_unknown(p, size, caller);
    void *resized = resize_here(p, before, size, caller);
    if (resized == NULL) resized = move(p, before, &ask);
    if (resized == NULL && is_on(SPECIAL_TRACE)) mtrace_realloc(p, NULL, size, caller);
    if (resized != NULL || size > before) return resized;
    errno = error_before; /* it fits where it is */
    told_may_be_less();
    return p;
}

RARE void *special_new_by_resize(size_t size, const void *caller) {
    struct ask ask = {
        .size = size, .align = 1, .caller = caller, .entry = __builtin_frame_address(0)};
    verify_if_pedantic();
    void *p = obtain(&ask);
    if (is_on(SPECIAL_COUNT) && p != NULL) calls_count_alloc(mallow_usable_size(p));
    if (!is_on(SPECIAL_TRACE)) return p;
    if (p != NULL)
        mtrace_alloc(p, size, caller);
    else
        mtrace_realloc(NULL, NULL, size, caller);
    return p;
}
