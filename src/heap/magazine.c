#include "heap/magazine.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "heap/class_counts.h"
#include "heap/counting.h"
#include "heap/mode.h"
#include "heap/shared.h"
#include "heap/slab.h"
#include "heap/slab_give.h"
#include "os/open_lock.h"
#include "os/os.h"
#include "pages/meta.h"

#define ENTRIES_FIRST 8u
#define ENTRIES_MAX 256u
/* A magazine with N entries grows after N / 4 refills and flushes. */
#define TRIPS_PART 4
/* A magazine that may not grow, because the others hold too much, waits for so many more. */
#define TRIPS_REFUSED 100
/* The bytes that a class's array may hold, and those of its first array. Each may always hold two
 * slots, whatever their size. */
#define CLASS_BYTES ((size_t)64 * KIB)
#define FIRST_BYTES ((size_t)8 * KIB)
/* The bytes that all arrays of a heap may hold: a constant and a part of its slabs. */
#define HEAP_BYTES ((size_t)2 * MIB)
#define HEAP_PART 32u

void magazines_init(struct heap *heap) {
    for (unsigned size_class = 0; size_class < CLASSES; size_class++)
        heap->magazine[size_class] = (struct magazine){heap_no_entries, heap_no_entries + 1};
    heap->cached = heap->magazine;
}

/* Stores both words at once. If a signal handler jumped away between two stores, the fast path
 * would find the top of one array and the limit of another. */
static void magazine_set(struct magazine *magazine, struct magazine_entry *top,
                         struct magazine_entry *limit) {
    MALLOW_ASSERT(top->slot == NULL || top < limit);
    MALLOW_ASSERT(top <= limit);
#if defined(__x86_64__) || defined(__aarch64__)
    typedef uintptr_t pair __attribute__((vector_size(16), may_alias));
    *(volatile pair *)magazine = (pair){(uintptr_t)top, (uintptr_t)limit};
#else
    uint64_t signals = os_block_signals();
    *magazine = (struct magazine){top, limit};
    os_restore_signals(signals);
#endif
}

static struct magazine_entry *magazine_sentinel(const struct heap *heap, unsigned size_class) {
    unsigned entries = heap->bin[size_class].entries;
    return heap->cached[size_class].limit - (entries == 0 ? 1 : entries);
}

unsigned magazine_count(const struct heap *heap, unsigned size_class) {
    return (unsigned)(heap->cached[size_class].top - magazine_sentinel(heap, size_class));
}

static bool magazine_serves(unsigned size_class) {
    return mode_sees != MODE_SEES_ALL &&
           size_class <= size_class_of(min_size(settings.mxfast, settings.tcache_max));
}

/* Returns the number of entries, including the sentinel, of an array that holds up to `bytes`. */
static unsigned magazine_entries_by_size(unsigned size_class, size_t bytes) {
    size_t slots = max_size(bytes / size_class_bytes(size_class), 2);
    return (unsigned)min_size(slots + 1, ENTRIES_MAX);
}

/* Returns the largest number of entries that the settings allow, including the sentinel. With 1,
 * each freed slot goes back to its slab at once. */
static unsigned magazine_entries_allowed(unsigned size_class) {
    size_t slots =
        magazine_serves(size_class)
            ? min_size(magazine_entries_by_size(size_class, CLASS_BYTES) - 1, settings.tcache_count)
            : 0;
    return (unsigned)slots + 1;
}

/* Returns true if the heap's arrays may hold `entries` more slots of the class. */
static bool magazine_has_room(const struct heap *heap, unsigned size_class, unsigned entries) {
    size_t most = HEAP_BYTES + heap->granules * (GRANULE / HEAP_PART);
    return heap->cached_room + entries * size_class_bytes(size_class) <= most;
}

/* Returns the bytes of the slots for which an array has room. Its first entry is the sentinel. */
static size_t magazine_room_bytes(unsigned size_class, unsigned entries) {
    return entries == 0 ? 0 : (entries - 1) * size_class_bytes(size_class);
}

/* Notes the size of the class's array, 0 if it has none. */
static void magazine_set_entries(struct heap *heap, unsigned size_class, unsigned entries) {
    struct heap_bin *bin = &heap->bin[size_class];
    heap->cached_room -= magazine_room_bytes(size_class, bin->entries);
    heap->cached_room += magazine_room_bytes(size_class, entries);
    bin->entries = (uint16_t)entries;
}

/* The array always has room for the one slot that a refill takes and malloc pops again. */
static size_t magazine_array_bytes(unsigned entries) {
    return max_size(entries, 2) * sizeof(struct magazine_entry);
}

/* Moves the entries to another array. */
static void magazine_move(struct heap *heap, unsigned size_class, unsigned entries) {
    struct magazine_entry *before = magazine_sentinel(heap, size_class);
    unsigned count = magazine_count(heap, size_class), old = heap->bin[size_class].entries;
    open_lock_assert_held(&global_lock);
    MALLOW_ASSERT(entries != old && count < entries);
    MALLOW_ASSERT(before->slot == NULL);
    struct magazine_entry *array = meta_alloc(magazine_array_bytes(entries));
    if (array == NULL) return;
    memcpy(array, before, (count + 1) * sizeof *array);
    signal_order(); /* a fork finds one array or the other, complete */
    magazine_set(&heap->cached[size_class], array + count, array + entries);
    signal_order();
    if (old != 0) meta_free(before, magazine_array_bytes(old));
    magazine_set_entries(heap, size_class, entries);
    heap->bin[size_class].trips = 0;
}

static void magazine_resize(struct heap *heap, unsigned size_class, unsigned entries) {
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return;
    if (magazine_count(heap, size_class) < entries) magazine_move(heap, size_class, entries);
    open_lock_drop(&global_lock, &hold);
}

void magazine_grow(struct heap *heap, unsigned size_class) {
    struct heap_bin *bin = &heap->bin[size_class];
    unsigned old = bin->entries;
    bin->trips++;
    if (likely(old != 0 && (bin->trips < (int)old / TRIPS_PART || old == bin->allowed))) return;
    MALLOW_ASSERT(heap_is_entered(heap));
    MALLOW_ASSERT(old <= ENTRIES_MAX);
    bin->trips = 0;
    unsigned allowed = bin->allowed = (uint16_t)magazine_entries_allowed(size_class);
    unsigned first = magazine_entries_by_size(size_class, FIRST_BYTES);
    if (first > ENTRIES_FIRST) first = ENTRIES_FIRST;
    unsigned entries = old == 0 ? first : old * 2;
    if (entries > allowed) entries = allowed;
    if (entries <= old) return;
    if (old != 0 && !magazine_has_room(heap, size_class, entries - old)) {
        bin->trips = -TRIPS_REFUSED;
        return;
    }
    magazine_resize(heap, size_class, entries);
}

void magazines_halve(struct heap *heap) {
    MALLOW_ASSERT(heap_is_entered(heap));
    for (unsigned size_class = 0; size_class < CLASSES; size_class++) {
        struct heap_bin *bin = &heap->bin[size_class];
        magazine_flush(heap, size_class, (magazine_count(heap, size_class) + 1) / 2);
        bool idle = bin->trips == 0;
        bin->trips = 0;
        if (idle && bin->entries > ENTRIES_FIRST)
            magazine_resize(heap, size_class, (bin->entries + 1u) / 2);
    }
}

unsigned magazine_want(const struct heap *heap, unsigned size_class) {
    unsigned entries = heap->bin[size_class].entries;
    if (entries <= 2) return entries != 0;
    /* Half of the array, so that the frees that follow do not overflow it at once. Slots are taken
     * eight at a time. */
    return entries < 32 ? (entries + 1) / 2 : entries / 2 & ~7u;
}

void magazine_flush(struct heap *heap, unsigned size_class, unsigned count) {
    struct magazine *magazine = &heap->cached[size_class];
    struct magazine_entry *bottom = magazine_sentinel(heap, size_class);
    unsigned have = (unsigned)(magazine->top - bottom);
    MALLOW_ASSERT(count <= have);
    MALLOW_ASSERT(magazine_is_valid(heap, size_class));
    /* The magazine is empty while its entries move, so that an interruption finds no entry twice.
     */
    magazine->top = bottom;
    signal_order();
    class_counts_issue(heap, size_class, -(int64_t)count);
    slab_give(heap, bottom + 1, count);
    memmove(bottom + 1, bottom + 1 + count, (have - count) * sizeof *bottom);
    signal_order();
    magazine->top = bottom + (have - count);
    if (heap->calls != NULL) class_counts_look(heap, size_class, have - count);
}

static void magazine_flush_whole(struct heap *heap, unsigned size_class) {
    magazine_flush(heap, size_class, magazine_count(heap, size_class));
}

void magazines_flush_all(struct heap *heap) {
    MALLOW_ASSERT(heap_is_entered(heap));
    for (unsigned size_class = 0; size_class < CLASSES; size_class++)
        magazine_flush_whole(heap, size_class);
}

static void magazine_drop_array(struct heap *heap, unsigned size_class) {
    struct magazine_entry *array = magazine_sentinel(heap, size_class);
    open_lock_assert_held(&global_lock);
    MALLOW_ASSERT(heap->cached[size_class].top == array);
    magazine_set(&heap->cached[size_class], heap_no_entries, heap_no_entries + 1);
    signal_order();
    meta_free(array, magazine_array_bytes(heap->bin[size_class].entries));
    magazine_set_entries(heap, size_class, 0);
}

/* Frees the class's array. A signal handler may free into it before the lock is taken, so it is
 * checked again with the lock. Returns false if the lock is refused. */
static bool magazine_discard(struct heap *heap, unsigned size_class) {
    struct heap_bin *bin = &heap->bin[size_class];
    struct lock_hold hold;
    while (bin->entries != 0) {
        magazine_flush_whole(heap, size_class);
        if (!open_lock_take(&global_lock, &hold)) return false;
        if (magazine_count(heap, size_class) == 0) magazine_drop_array(heap, size_class);
        open_lock_drop(&global_lock, &hold);
    }
    return true;
}

/* Chooses whether the fast path of malloc finds the slots. All magazines must be empty. */
static void magazines_choose(struct heap *heap) {
    bool counted = mode_sees == MODE_SEES_COUNTED;
    if (counted && !counting_make(heap)) return;
    struct magazine *chosen = counted ? heap->counting->cached : heap->magazine;
    if (chosen == heap->cached) return;
    for (unsigned size_class = 0; size_class < CLASSES; size_class++) {
        struct magazine_entry *sentinel =
            counted ? &heap->counting->sentinels[size_class] : heap_no_entries;
        magazine_set(&heap->magazine[size_class], sentinel, sentinel + 1);
    }
    signal_order();
    heap->cached = chosen;
    slabs_follow(heap);
}

bool magazines_renew(struct heap *heap) {
    MALLOW_ASSERT(heap_is_entered(heap));
    for (unsigned size_class = 0; size_class < CLASSES; size_class++)
        if (!magazine_discard(heap, size_class)) return false;
    magazines_choose(heap);
    counting_restart(heap);
    return true;
}

/* A shared slot belongs to no slab of this heap, so no repair of a slab would find it. */
static void magazine_give_if_shared(struct magazine_entry entry) {
    if (slab_of(granule_of(entry.slot))->kind == GRANULE_SHARED) shared_give(entry.slot);
}

/* Stops at the sentinel, which has no slot. The size of the array may not be known: an interrupted
 * function may have been about to change it. */
static void magazine_forget_entries(struct heap *heap, unsigned size_class) {
    struct magazine *magazine = &heap->cached[size_class];
    while (magazine->top->slot != NULL) {
        struct magazine_entry newest = *magazine->top--;
        signal_order();
        class_counts_issue(heap, size_class, -1);
        magazine_give_if_shared(newest);
    }
}

/* Forgets an array whose size is not certain. A function that was changing it may never continue:
 * in the child of a fork, or after a handler jumped away. The magazine must be empty. */
static void magazine_lose_array_if_inconsistent(struct heap *heap, unsigned size_class) {
    if (heap->cached[size_class].top == magazine_sentinel(heap, size_class)) return;
    magazine_set(&heap->cached[size_class], heap_no_entries, heap_no_entries + 1);
    magazine_set_entries(heap, size_class, 0);
}

void magazines_forget(struct heap *heap) {
    MALLOW_ASSERT(heap_is_entered(heap));
    size_t room = 0;
    for (unsigned size_class = 0; size_class < CLASSES; size_class++) {
        magazine_forget_entries(heap, size_class);
        magazine_lose_array_if_inconsistent(heap, size_class);
        MALLOW_ASSERT(magazine_is_valid(heap, size_class));
        room += magazine_room_bytes(size_class, heap->bin[size_class].entries);
    }
    heap->cached_room = room;
}
