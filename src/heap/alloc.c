/* malloc, calloc, and their slow path in the plain mode. */
#include "heap/alloc.h"

#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/atomics.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "heap/class_counts.h"
#include "heap/counting.h"
#include "heap/decay.h"
#include "heap/fast.h"
#include "heap/heap_enter.h"
#include "heap/heap_reap.h"
#include "heap/magazine.h"
#include "heap/mode.h"
#include "heap/remote.h"
#include "heap/shared.h"
#include "mallow.h"
#include "os/open_lock.h"
#include "pages/large.h"
#include "pages/mapping.h"
#include "pages/space.h"

#define OFFSET(size_class) \
    (uint16_t)(offsetof(struct heap, magazine) + (size_class) * sizeof(struct magazine))
#define OFFSETS_4(a, b, c, d) OFFSET(a), OFFSET(b), OFFSET(c), OFFSET(d)
#define OFFSETS_SAME(c) OFFSETS_4(c, c, c, c)

/* Indexed by the size in units. Each size up to 16 units has its own class. From 17 units on, two
 * sizes share a class, and from 33 units on, four sizes do. */
const uint16_t fast_offsets[SMALL_MAX / UNIT + 1] = {
    OFFSET(0),
    OFFSETS_4(1, 2, 3, 4),
    OFFSETS_4(5, 6, 7, 8),
    OFFSETS_4(9, 10, 11, 12),
    OFFSETS_4(13, 14, 15, 16),
    OFFSETS_4(17, 17, 18, 18),
    OFFSETS_4(19, 19, 20, 20),
    OFFSETS_4(21, 21, 22, 22),
    OFFSETS_4(23, 23, 24, 24),
    OFFSETS_SAME(25),
    OFFSETS_SAME(26),
    OFFSETS_SAME(27),
    OFFSETS_SAME(28),
    OFFSETS_SAME(29),
    OFFSETS_SAME(30),
    OFFSETS_SAME(31),
    OFFSETS_SAME(32),
};

/* In a small heap, the slabs of classes that have nothing in use are most of the memory. */
#define SMALL_HEAP ((size_t)2 * MIB / GRANULE)
/* A program that has one block at a time, of one class and another in turn, would make a slab for
 * each. So this happens only so often between two halvings of the magazines (decay.c). */
#define IDLE_EMPTIED_MAX 128u

/* Gives back the cached slots of a class that has no others in use, so that its slab becomes empty
 * and can retire. */
static void alloc_empty_idle_class(struct heap *heap, unsigned wanted) {
    if (heap->empties != 0 || heap->granules > SMALL_HEAP) return;
    if (heap->idle_emptied >= IDLE_EMPTIED_MAX) return;
    for (unsigned other = 0; other < CLASSES && heap->empties == 0; other++) {
        struct slab *slab = heap->bin[other].partial;
        unsigned cached = magazine_count(heap, other);
        if (slab == NULL || slab->in_use > cached || other == wanted) continue;
        magazine_flush(heap, other, cached);
        heap->idle_emptied++;
    }
}

/* Empty slabs of at most this share of the heap stay for their own classes: making a slab costs as
 * much as hundreds of calls, and a class often needs its slab again soon. */
#define EMPTY_SHARE 8u

/* Slots that other threads freed are used before fresh memory. */
struct slab *alloc_find_slab(struct heap *heap, unsigned size_class) {
    MALLOW_ASSERT(heap_is_entered(heap));
    MALLOW_ASSERT(size_class < CLASSES);
    struct heap_bin *bin = &heap->bin[size_class];
    if (mode_sees_all() && bin->partial != NULL) return bin->partial;
    remote_collect(heap, size_class);
    if (bin->partial != NULL) return bin->partial;
    if (heap_take_orphan_slab(heap, size_class) != NULL) return bin->partial;
    /* Slabs of other classes that become empty here can retire and serve this class. */
    if (remote_collect_some(heap) && bin->partial != NULL) return bin->partial;
    alloc_empty_idle_class(heap, size_class);
    if (heap->empties > heap->granules / EMPTY_SHARE) slab_retire_empty(heap);
    return slab_create(heap, size_class);
}

/* Puts slots on the empty magazine. Returns false if there are none. */
static bool alloc_refill(struct heap *heap, unsigned size_class) {
    magazine_grow(heap, size_class);
    unsigned want = magazine_want(heap, size_class);
    if (want == 0) return false;
    struct slab *slab = alloc_find_slab(heap, size_class);
    if (slab == NULL) return false;
    (settings.randomize ? slab_take_at_random : slab_take)(heap, slab, want);
    MALLOW_ASSERT(magazine_is_valid(heap, size_class));
    return true;
}

/* Pops the newest slot of the magazine and marks it used. Returns NULL if there is none. */
static char *alloc_take_cached(struct magazine *magazine, bool *zeroed) {
    struct magazine_entry newest = *magazine->top;
    *zeroed = newest.slot != NULL && slot_state_get(newest.state) == SLOT_CACHED_FRESH;
    return fast_take(magazine);
}

/* Does the same on the counting path. */
static NOINLINE char *alloc_take_counted(const struct magazine_entry *sentinel, bool *zeroed) {
    struct magazine_entry newest = *sentinel_magazine(sentinel)->top;
    *zeroed = newest.slot != NULL && slot_state_get(newest.state) == SLOT_CACHED_FRESH;
    return counting_take(sentinel);
}

/* The address of a shared slot follows from the order of the calls, so it can be guessed. Shared
 * slots have no room for the word of check=seal. */
static bool alloc_may_share(void) { return !settings.randomize && settings.check != CHECK_SEAL; }

/* Takes a slot: the newest cached one, then one of a shared granule, then one from a slab. */
static NOINLINE void *alloc_slot(unsigned size_class, bool *zeroed) {
    struct heap *heap = heap_enter();
    if (heap == NULL) return NULL;
    struct magazine *magazine = &heap->cached[size_class];
    struct heap_bin *bin = &heap->bin[size_class];
    /* The magazine is not empty if the heap was just taken over from a thread that has ended. */
    char *slot = alloc_take_cached(magazine, zeroed);
    if (slot == NULL && shared_wants(bin, size_class) && alloc_may_share()) {
        bin->heat++;
        slot = shared_take(size_class, zeroed);
        if (slot != NULL) class_counts_issue(heap, size_class, 1);
    }
    if (slot == NULL && alloc_refill(heap, size_class)) slot = alloc_take_cached(magazine, zeroed);
    decay_turn(heap);
    heap_leave(heap);
    return slot;
}

static void *alloc_pages(size_t size, size_t align, bool *zeroed) {
    return size <= PTRDIFF_MAX && space_start() ? large_alloc(size, align, zeroed) : NULL;
}

static UNTOUCHED bool alloc_larger_noted;

RARE void alloc_note_larger(void) { racy_store(&alloc_larger_noted, true); }
RARE bool alloc_may_be_larger(void) { return racy_load(bool, &alloc_larger_noted); }

/* Allocates a mapping, which needs no lock, after a lock was refused. */
static RARE void *alloc_mapping(size_t size, size_t align, bool *zeroed) {
    *zeroed = true;
    alloc_note_larger(); /* a whole page */
    return mapping_alloc_always(size, align);
}

/* Returns the smallest class whose slots hold `size` bytes and are aligned to `align`, or CLASSES.
 */
static unsigned alloc_aligned_class(size_t align, size_t size) {
    /* Slots are aligned like their class. Blocks of whole pages serve alignments above a page. */
    if (size > SLOT_MAX || align > RUN_PAGE) return CLASSES;
    unsigned size_class = size_class_of(max_size(size, 1));
    while (size_class < CLASSES && size_class_bytes(size_class) % align != 0) size_class++;
    return size_class;
}

unsigned alloc_class(size_t size, size_t align) {
    if (unlikely(align > UNIT)) return alloc_aligned_class(align, size);
    return size <= SLOT_MAX ? size_class_of(size) : CLASSES;
}

void *alloc_plain(size_t size, size_t align, bool *zeroed) {
    unsigned size_class = alloc_class(size, align);
    if (unlikely(align > UNIT))
        size = max_size(size, 1);
    else
        align = 1;
    for (bool again = false;; again = true) {
        void *p = size_class < CLASSES ? alloc_slot(size_class, zeroed)
                                       : alloc_pages(size, align, zeroed);
        if (unlikely(p == NULL) && !again && size <= PTRDIFF_MAX) {
            if (!open_lock_was_refused() && heap_relieve()) continue;
            if (open_lock_was_refused()) p = alloc_mapping(size, align, zeroed);
        }
        if (unlikely(p == NULL)) errno = ENOMEM;
        return p;
    }
}

static NOINLINE void *alloc_medium(size_t size) {
    if (size > SLOT_MAX) return mode_now()->malloc(size, heap_no_entries);
    struct magazine *magazine = fast_magazine_any(size);
    void *p = fast_take(magazine);
    return p != NULL ? p : mode_now()->malloc(size, magazine->top);
}

EXPORT_OWN HOT void *mallow_malloc(size_t size) {
    if (unlikely(size > TINY_MAX)) return alloc_medium(size);
    struct magazine *magazine = fast_magazine(size);
    void *p = fast_take(magazine);
    return likely(p != NULL) ? p : mode_now()->malloc(size, magazine->top);
}

static NOINLINE void *alloc_zeroed_slow(size_t bytes, const void *caller) {
    return mode_now()->alloc(&(struct alloc_request){.size = bytes,
                                                     .align = 1,
                                                     .zero = true,
                                                     .caller = caller,
                                                     .entry = __builtin_frame_address(0)});
}

EXPORT_OWN void *mallow_calloc(size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    bool zeroed;
    if (likely(bytes - 1 < SLOT_MAX)) { /* a slot of no bytes cannot be cleared */
        unsigned size_class = size_class_of(bytes);
        struct magazine *magazine = &self_heap->magazine[size_class];
        void *p = alloc_take_cached(magazine, &zeroed);
        if (unlikely(p == NULL)) p = alloc_take_counted(magazine->top, &zeroed);
        /* Clears the whole slot, because malloc_usable_size grants all of it. */
        if (likely(p != NULL)) return zeroed ? p : memset(p, 0, size_class_bytes(size_class));
    }
    return alloc_zeroed_slow(bytes, __builtin_return_address(0));
}

void *alloc_aligned(size_t align, size_t size, const void *caller) {
    unsigned size_class = alloc_aligned_class(align, size);
    void *p = size_class < CLASSES ? fast_take(&self_heap->magazine[size_class]) : NULL;
    if (p != NULL) return p;
    return mode_now()->alloc(&(struct alloc_request){
        .size = size, .align = align, .caller = caller, .entry = __builtin_frame_address(0)});
}
