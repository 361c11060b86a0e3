#include "check/hard.h"

#include <string.h>

#include "base/atomics.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "check/hard_ring.h"
#include "check/hard_seal.h"
#include "check/hard_verify.h"
#include "check/sized_free.h"
#include "heap/alloc.h"
#include "heap/decay.h"
#include "heap/find.h"
#include "heap/mode.h"
#include "heap/slab.h"
#include "heap/slot_ref.h"
#include "os/os.h"
#include "report/report.h"

/* ---- allocation ---- */

/* False when this needs heap_enter. */
ALWAYS_INLINE bool begin_fast(struct heap *heap, struct frame_mark *mark) {
    if (unlikely(!heap_is_idle(heap)) || unlikely(heap->hard == NULL)) return false;
    heap_begin_short(heap, mark);
    return true;
}

/* One that was never used has no room. */
ALWAYS_INLINE struct hard_ring *fast_ring(struct heap *heap, unsigned class) {
    return &heap->hard->rings[class];
}

/* The slot at the head, which is zero. */
ALWAYS_INLINE void *hand_out(struct hard_ring *ring, struct entry entry, size_t size) {
    ring->head++;
    /* From here on nobody who verifies may take it for one that waits. */
    state_set(entry.state, SLOT_CLOSING);
    signal_order();
#if !defined(__x86_64__) && !defined(THREAD_SANITIZER)
    atomic_thread_fence(memory_order_release);
#endif
    hard_seal(entry.slot, ring->slot_bytes, size);
    atomic_store_explicit(entry.state, SLOT_CHECKED, memory_order_release);
    sanitizer_release(self_heap);
    return entry.slot;
}

/*
 * A slot that was never handed out. Of a page or more only the end is compared: the rest the
 * program may never touch. The last word is exchanged, not read first: a page that is read first
 * faults twice.
 */
static bool is_good(struct entry entry, size_t bytes) {
    if (state_get(entry.state) != SLOT_HELD_FRESH) return hard_is_zero(entry.slot, bytes);
    char *last = hard_word_of(entry.slot, bytes);
    uint64_t was = __atomic_exchange_n((uint64_t *)(void *)last, 0, __ATOMIC_RELAXED);
    if (was != 0) hard_store_word(last, was);
    if (bytes >= HARD_COMPARED_FRESH) return (was | hard_load_word(last - sizeof was)) == 0;
    return was == 0 && hard_is_zero(entry.slot, bytes);
}

static void *take_slowly(struct hard_ring *ring, size_t size) {
    struct entry entry = *hard_ring_at(ring, ring->head);
    if (!is_good(entry, ring->slot_bytes)) hard_clear_written(entry.slot, ring->slot_bytes);
    void *p = hand_out(ring, entry, size);
    bool fresh = hard_ring_count(ring) != 0 &&
                 state_get(hard_ring_at(ring, ring->head)->state) == SLOT_HELD_FRESH;
    ring->least = fresh ? HARD_ALL_KEPT : HARD_DELAY;
    return p;
}

static void *alloc_from_ring(unsigned class, size_t size) {
    struct heap *heap = heap_enter();
    if (heap == NULL) return NULL;
    void *p = NULL;
    struct hard_ring *ring = hard_ring_of(heap, class);
    if (ring != NULL && hard_ring_count(ring) <= HARD_DELAY) hard_ring_refill(heap, ring, class);
    /* Fewer than the delay keeps only when nothing was to be had: sooner than failing. */
    if (ring != NULL && hard_ring_count(ring) > 0) p = take_slowly(ring, size);
    decay_turn(heap);
    heap_leave(heap);
    return p;
}

static unsigned class_for(size_t size, size_t align) {
    unsigned class = class_of(size + HARD_TAIL);
    while (class < CLASSES && align > UNIT && (class_size(class) & (align - 1)) != 0) class ++;
    return class;
}

ALWAYS_INLINE void *take_from(struct hard_ring *ring, size_t size) {
    if (unlikely(hard_ring_count(ring) <= ring->least)) return NULL;
    struct entry entry = *hard_ring_at(ring, ring->head);
    if (unlikely(!hard_is_zero(entry.slot, ring->slot_bytes))) return NULL;
    return hand_out(ring, entry, size);
}

/* From a ring that has enough; NULL: this needs a look. */
ALWAYS_INLINE void *take_fast(unsigned class, size_t size) {
    struct frame_mark mark;
    struct heap *heap = self_heap;
    if (unlikely(!begin_fast(heap, &mark))) return NULL;
    void *p = take_from(fast_ring(heap, class), size);
    heap_end_short(heap, &mark);
    return p;
}

/* A block of no bytes lies in an inaccessible slot, which has no word. Its state is USED, so that
 * hard_free does not take it for one that has. */
static NOINLINE void *alloc_empty(void) {
    struct heap *heap = heap_enter();
    if (heap == NULL) return NULL;
    void *p = NULL;
    struct hard_ring *ring = hard_ring_of(heap, CLASS_ZERO);
    if (ring != NULL && hard_ring_count(ring) <= HARD_DELAY)
        hard_ring_refill(heap, ring, CLASS_ZERO);
    if (ring != NULL && hard_ring_count(ring) > 0) {
        struct entry entry = *hard_ring_at(ring, ring->head++);
        state_set(entry.state, SLOT_USED);
        p = entry.slot;
    }
    heap_leave(heap);
    return p;
}

void *hard_alloc(size_t size, size_t align) {
    if (unlikely(size - 1 >= SLOT_MAX - HARD_TAIL))
        return size == 0 && align <= UNIT ? alloc_empty() : NULL;
    if (align > RUN_PAGE) return NULL;
    unsigned class = class_for(size, align);
    if (class == CLASSES) return NULL;
    void *p = take_fast(class, size);
    return likely(p != NULL) ? p : alloc_from_ring(class, size);
}

void *hard_malloc(size_t size) {
    void *p = likely(size <= SMALL_MAX) ? take_fast(class_of(size + HARD_TAIL), size) : NULL;
    return likely(p != NULL) ? p : hard_malloc_slow(size);
}

/* No size but 0 has slots of one unit: their ring stays empty, so that take_fast finds nothing. */
_Static_assert(HARD_TAIL == UNIT, "a block of one byte needs two units");

/* ---- freeing ---- */

static NOINLINE void keep_slowly(unsigned class, struct entry entry) {
    struct heap *heap = heap_enter();
    if (heap == NULL) return; /* no memory: the slot stays held for ever */
    struct hard_ring *ring = hard_ring_of(heap, class);
    if (ring == NULL) {
        slab_give(heap, &entry, 1);
    } else {
        if (hard_ring_count(ring) >= ring->most)
            hard_ring_evict(heap, ring, ring->most == HARD_RING ? HARD_RING_KEPT : HARD_DELAY);
        hard_ring_append(ring, entry);
    }
    decay_turn(heap);
    heap_leave(heap);
}

ALWAYS_INLINE void keep_in_ring(unsigned class, struct entry entry) {
    bool room = false;
    struct frame_mark mark;
    struct heap *heap = self_heap;
    if (likely(begin_fast(heap, &mark))) {
        struct hard_ring *ring = fast_ring(heap, class);
        room = hard_ring_count(ring) < ring->most;
        if (likely(room)) hard_ring_append(ring, entry);
        heap_end_short(heap, &mark);
    }
    if (unlikely(!room)) keep_slowly(class, entry);
}

/* The slot of a live block, which is now the caller's; false: there is none. */
ALWAYS_INLINE bool close_live(void *p, struct slab **slab, struct entry *entry) {
    *slab = slab_around(p);
    if (unlikely(*slab == NULL)) return false;
    struct slot_ref slot = slot_locate(*slab, p);
    if (unlikely(!slot.is_start)) return false;
    *entry = (struct entry){p, slot.state};
    uint8_t live = SLOT_CHECKED;
    /* Of several that free it at once one gets it. */
    return likely(atomic_compare_exchange_strong_explicit(
        entry->state, &live, SLOT_CLOSING, memory_order_acq_rel, memory_order_relaxed));
}

static NOINLINE RARE void free_overflowed(void *p) {
    struct place place;
    if (place_of(p, &place)) hard_report_overflow(&place, "found by free");
}

/* A block of no bytes. */
static NOINLINE bool free_empty(void *p) {
    struct place place;
    uint8_t live = SLOT_USED;
    if (!place_of(p, &place) || place.start != p || place.slab->class != CLASS_ZERO ||
        !atomic_compare_exchange_strong_explicit(place.state, &live, SLOT_HELD,
                                                 memory_order_acq_rel, memory_order_relaxed))
        return false;
    keep_slowly(CLASS_ZERO, (struct entry){p, place.state});
    return true;
}

/* Beyond so many bytes libc's function is faster. */
#define ZEROED_HERE 512u

ALWAYS_INLINE bool free_slot_of(void *p) {
    struct slab *slab;
    struct entry entry;
    if (unlikely(!close_live(p, &slab, &entry))) return free_empty(p);
    size_t bytes = slab->slot_size;
    if (unlikely(!hard_is_whole(p, bytes))) free_overflowed(p);
    if (likely(bytes <= ZEROED_HERE))
        hard_make_zero(p, bytes);
    else
        memset(p, 0, bytes);
    atomic_store_explicit(entry.state, SLOT_HELD, memory_order_release);
    keep_in_ring(slab->class, entry);
    return true;
}

bool hard_free(void *p) { return free_slot_of(p); }

void hard_free_any(void *p, enum family family) {
    if (unlikely(!free_slot_of(p))) mode_free(p, family);
}

bool hard_free_checked(void *p, const struct free_request *how) {
    struct place place;
    struct block_info info;
    if ((how->has_size || how->has_align) && place_of(p, &place) && place.start == p &&
        state_get(place.state) == SLOT_CHECKED && hard_is_whole(place.start, place.bytes)) {
        hard_info(&place, &info);
        sized_free_check(&info, how);
    }
    return hard_free(p);
}

bool hard_find(void *p, struct place *place) {
    return place_of(p, place) && place->start == p && state_get(place->state) == SLOT_CHECKED;
}

size_t hard_size(const struct place *place) { return hard_size_of(place->start, place->bytes); }

bool hard_resize(const struct place *place, size_t size) {
    size_t bytes = place->bytes, before = hard_size_of(place->start, bytes);
    if (size > bytes - HARD_TAIL || class_of(size + HARD_TAIL) != place->slab->class) return false;
    if (!hard_is_whole(place->start, bytes)) hard_report_overflow(place, "found by realloc");
    /* Nobody may verify it meanwhile. */
    atomic_store_explicit(place->state, SLOT_CLOSING, memory_order_release);
    size_t kept = min_size(before, size), last = min_size(kept, sizeof(uint64_t));
    char end[sizeof(uint64_t)], *at = place->start + kept - last;
    memset(place->start + kept, 0, bytes - kept);
    /* Of a slot that is zero, the hard_seal takes whole words. */
    memcpy(end, at, last);
    hard_seal(place->start, bytes, size);
    memcpy(at, end, last);
    atomic_store_explicit(place->state, SLOT_CHECKED, memory_order_release);
    return true;
}
