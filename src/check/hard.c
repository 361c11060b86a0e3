#include "check/hard.h"

#include <string.h>

#include "base/atomics.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "check/hard_queue.h"
#include "check/hard_ring.h"
#include "check/hard_seal.h"
#include "check/hard_verify.h"
#include "check/sized_free.h"
#include "heap/alloc.h"
#include "heap/decay.h"
#include "heap/find.h"
#include "heap/heap_enter.h"
#include "heap/mode.h"
#include "heap/slab.h"
#include "heap/slab_give.h"
#include "heap/slot_location.h"
#include "os/os.h"
#include "report/report.h"

/* ---- allocation ---- */

/* Begins a short section in the heap. Returns false if the caller must use heap_enter instead. */
ALWAYS_INLINE bool hard_begin_fast(struct heap *heap, struct frame_mark *mark) {
    if (unlikely(!heap_is_idle(heap)) || unlikely(heap->hard == NULL)) return false;
    heap_begin_short(heap, mark);
    return true;
}

/* A ring that was never used has no entries and no room, so neither fast path uses it. */
ALWAYS_INLINE struct hard_ring *hard_fast_ring(struct heap *heap, unsigned size_class) {
    return &heap->hard->rings[size_class];
}

/* Seals the slot at the head, which is zero, and takes it. */
ALWAYS_INLINE void *hard_hand_out(struct hard_ring *ring, struct magazine_entry entry,
                                  size_t size) {
    ring->head++;
    /* From now on, a verifying thread must not expect the slot to be zero. */
    slot_state_set(entry.state, SLOT_CLOSING);
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
 * Returns true if the slot is still zero. If it is fresh and has a page or more, only its end is
 * compared, because the program may never touch the rest. The last word is exchanged, because a
 * page that is read before it is written faults twice.
 */
static bool hard_is_good(struct magazine_entry entry, size_t bytes) {
    if (slot_state_get(entry.state) != SLOT_HELD_FRESH) return hard_is_zero(entry.slot, bytes);
    char *last = hard_word_of(entry.slot, bytes);
    uint64_t was = __atomic_exchange_n((uint64_t *)(void *)last, 0, __ATOMIC_RELAXED);
    if (was != 0) hard_store_word(last, was);
    if (bytes >= HARD_COMPARED_FRESH) return (was | hard_load_word(last - sizeof was)) == 0;
    return was == 0 && hard_is_zero(entry.slot, bytes);
}

/* Takes the slot at the head, which is zero, and says what the fast path may take next. */
static void *hard_take_head(struct hard_ring *ring, size_t size) {
    void *p = hard_hand_out(ring, *hard_ring_at(ring, ring->head), size);
    bool fresh = hard_ring_count(ring) != 0 &&
                 slot_state_get(hard_ring_at(ring, ring->head)->state) == SLOT_HELD_FRESH;
    ring->minimum = fresh ? HARD_ALL_KEPT : ring->delay;
    return p;
}

static void *hard_take_slowly(struct hard_ring *ring, size_t size) {
    struct magazine_entry entry = *hard_ring_at(ring, ring->head);
    if (!hard_is_good(entry, ring->slot_bytes)) hard_clear_written(entry.slot, ring->slot_bytes);
    return hard_take_head(ring, size);
}

static void *hard_alloc_from_ring(unsigned size_class, size_t size) {
    struct heap *heap = heap_enter();
    if (heap == NULL) return NULL;
    void *p = NULL;
    struct hard_ring *ring = hard_ring_of(heap, size_class);
    if (ring != NULL && hard_ring_count(ring) <= ring->delay)
        hard_ring_refill(heap, ring, size_class);
    /* If the refill found nothing, a shorter delay is better than a failure. */
    if (ring != NULL && hard_ring_count(ring) > 0) p = hard_take_slowly(ring, size);
    decay_turn(heap);
    heap_leave(heap);
    return p;
}

static unsigned hard_class_for(size_t size, size_t align) {
    unsigned size_class = size_class_of(size + HARD_TAIL);
    while (size_class < CLASSES && align > UNIT &&
           (size_class_bytes(size_class) & (align - 1)) != 0)
        size_class++;
    return size_class;
}

/* Takes the slot at the head if it has waited and is zero. Returns NULL otherwise. */
ALWAYS_INLINE void *hard_take_waited(struct hard_ring *ring, size_t size) {
    if (unlikely(hard_ring_count(ring) <= ring->minimum)) return NULL;
    struct magazine_entry entry = *hard_ring_at(ring, ring->head);
    if (unlikely(!hard_is_zero(entry.slot, ring->slot_bytes))) return NULL;
    return hard_hand_out(ring, entry, size);
}

/* Takes the slot at the head if it was never handed out. Only before the oldest freed slot does a
 * ring have such slots. Returns NULL otherwise. */
static void *hard_take_fresh(struct hard_ring *ring, size_t size) {
    if (ring->minimum != HARD_ALL_KEPT || hard_ring_count(ring) <= ring->delay) return NULL;
    if (unlikely(!hard_is_good(*hard_ring_at(ring, ring->head), ring->slot_bytes))) return NULL;
    return hard_take_head(ring, size);
}

/* Takes a slot from a ring that has enough slots. Returns NULL if the slow path is needed. */
static NOINLINE void *hard_take_either(unsigned size_class, size_t size) {
    struct frame_mark mark;
    struct heap *heap = self_heap;
    if (unlikely(!hard_begin_fast(heap, &mark))) return NULL;
    struct hard_ring *ring = hard_fast_ring(heap, size_class);
    void *p = hard_take_waited(ring, size);
    if (p == NULL) p = hard_take_fresh(ring, size);
    heap_end_short(heap, &mark);
    return p;
}

/* Allocates a block of no bytes. It lies in an inaccessible slot, which has no word, and its state
 * is USED, which distinguishes it from a sealed block. */
static NOINLINE void *hard_alloc_empty(void) {
    struct heap *heap = heap_enter();
    if (heap == NULL) return NULL;
    void *p = NULL;
    struct hard_ring *ring = hard_ring_of(heap, CLASS_ZERO);
    if (ring != NULL && hard_ring_count(ring) <= ring->delay)
        hard_ring_refill(heap, ring, CLASS_ZERO);
    if (ring != NULL && hard_ring_count(ring) > 0) {
        struct magazine_entry entry = *hard_ring_at(ring, ring->head++);
        slot_state_set(entry.state, SLOT_USED);
        p = entry.slot;
    }
    heap_leave(heap);
    return p;
}

void *hard_alloc(size_t size, size_t align) {
    if (unlikely(size - 1 >= SLOT_MAX - HARD_TAIL))
        return size == 0 && align <= UNIT ? hard_alloc_empty() : NULL;
    if (align > RUN_PAGE) return NULL;
    unsigned size_class = hard_class_for(size, align);
    if (size_class == CLASSES) return NULL;
    void *p = hard_take_either(size_class, size);
    return likely(p != NULL) ? p : hard_alloc_from_ring(size_class, size);
}

static NOINLINE void *hard_malloc_other(size_t size) {
    void *p = hard_take_either(size_class_of(size + HARD_TAIL), size);
    return likely(p != NULL) ? p : hard_malloc_slow(size);
}

/* A handler of a signal has replaced the thread's heap. */
static NOINLINE RARE void *hard_malloc_back(struct heap *heap, void *p, size_t size) {
    heap_go_back(heap);
    return p != NULL ? p : hard_malloc_slow(size);
}

/* The section of hard_malloc. All calls are in tail position, so that it saves few registers. */
ALWAYS_INLINE bool hard_malloc_waited(struct heap *heap, size_t size, void **p) {
    struct frame_mark mark;
    heap_begin_short(heap, &mark);
    *p = hard_take_waited(hard_fast_ring(heap, size_class_of(size + HARD_TAIL)), size);
    return heap_end_short_only(heap, &mark);
}

void *hard_malloc(size_t size, const struct magazine_entry *sentinel) {
    (void)sentinel;
    struct heap *heap = self_heap;
    void *p;
    if (unlikely(size > SMALL_MAX)) return hard_malloc_slow(size);
    if (unlikely(!heap_is_idle(heap)) || unlikely(heap->hard == NULL))
        return hard_malloc_slow(size);
    if (unlikely(!hard_malloc_waited(heap, size, &p))) return hard_malloc_back(heap, p, size);
    return likely(p != NULL) ? p : hard_malloc_other(size);
}

/* Only blocks of no bytes have slots of one unit, so hard_malloc finds that ring empty. */
_Static_assert(HARD_TAIL == UNIT, "a block of one byte needs two units");

/* ---- freeing ---- */

static NOINLINE void hard_keep_slowly(unsigned size_class, struct magazine_entry entry) {
    struct heap *heap = heap_enter();
    if (heap == NULL) return; /* no memory: the slot stays HELD and is lost */
    struct hard_ring *ring = hard_ring_of(heap, size_class);
    if (ring == NULL) {
        slab_give(heap, &entry, 1);
    } else {
        if (hard_ring_count(ring) >= ring->most) hard_ring_evict(heap, ring, HARD_RING_KEPT);
        hard_ring_append(ring, entry);
    }
    decay_turn(heap);
    heap_leave(heap);
}

/* Does what hard_keep has left. `back`: the heap to go back to, or NULL. */
static NOINLINE void hard_keep_rest(struct heap *back, unsigned size_class,
                                    struct magazine_entry entry, bool kept) {
    if (back != NULL) heap_go_back(back);
    if (!kept) hard_keep_slowly(size_class, entry);
}

/* Returns true if the ring had room. Sets *stays to false if the caller must call heap_go_back. */
ALWAYS_INLINE bool hard_keep_in_ring(struct heap *heap, unsigned size_class,
                                     struct magazine_entry entry, bool *stays) {
    struct frame_mark mark;
    if (unlikely(!hard_begin_fast(heap, &mark))) return false;
    struct hard_ring *ring = hard_fast_ring(heap, size_class);
    bool room = hard_ring_count(ring) < ring->most;
    if (likely(room)) hard_ring_append(ring, entry);
    *stays = heap_end_short_only(heap, &mark);
    return room;
}

/* All calls are in tail position, so that callers save few registers. */
ALWAYS_INLINE void hard_keep(unsigned size_class, struct magazine_entry entry) {
    bool stays = true;
    struct heap *heap = self_heap;
    bool kept = hard_keep_in_ring(heap, size_class, entry, &stays);
    if (unlikely(!kept || !stays)) hard_keep_rest(stays ? NULL : heap, size_class, entry, kept);
}

/* Claims the slot of the live block that begins at p. Returns false if there is none. */
ALWAYS_INLINE bool hard_close_live(void *p, struct slab **slab, struct magazine_entry *entry) {
    *slab = slab_around(p);
    if (unlikely(*slab == NULL)) return false;
    struct slot_location slot = slot_locate(*slab, p);
    if (unlikely(!slot.is_start)) return false;
    *entry = (struct magazine_entry){p, slot.state};
    uint8_t live = SLOT_CHECKED;
    /* If several threads free the block at once, only one of them succeeds. */
    return likely(atomic_compare_exchange_strong_explicit(
        entry->state, &live, SLOT_CLOSING, memory_order_acq_rel, memory_order_relaxed));
}

static NOINLINE RARE void hard_free_overflowed(void *p) {
    struct slot_ref ref;
    if (slot_ref_find(p, &ref)) hard_report_overflow(&ref, "found by free");
}

/* Frees a block of no bytes. */
static NOINLINE bool hard_free_empty(void *p) {
    struct slot_ref ref;
    uint8_t live = SLOT_USED;
    if (!slot_ref_find(p, &ref) || ref.start != p || ref.slab->size_class != CLASS_ZERO ||
        !atomic_compare_exchange_strong_explicit(ref.state, &live, SLOT_HELD, memory_order_acq_rel,
                                                 memory_order_relaxed))
        return false;
    hard_keep_slowly(CLASS_ZERO, (struct magazine_entry){p, ref.state});
    return true;
}

static void hard_free_clean(struct slab *slab, struct magazine_entry entry) {
    size_t bytes = slab->slot_size;
    if (bytes <= HARD_SMALL) {
        hard_make_zero(entry.slot, bytes);
    } else {
        memset(entry.slot, 0, bytes);
    }
    atomic_store_explicit(entry.state, SLOT_HELD, memory_order_release);
}

/* Frees a large or a damaged block. */
static NOINLINE void hard_free_closed(struct slab *slab, struct magazine_entry entry) {
    if (unlikely(!hard_is_whole(entry.slot, slab->slot_size))) hard_free_overflowed(entry.slot);
    hard_free_clean(slab, entry);
    if (slab->slot_size > HARD_SMALL)
        hard_queue_keep(entry, slab);
    else
        hard_keep(slab->size_class, entry);
}

/* Returns false if p is no live block with bytes. */
ALWAYS_INLINE bool hard_free_slot(void *p) {
    struct slab *slab;
    struct magazine_entry entry;
    if (unlikely(!hard_close_live(p, &slab, &entry))) return false;
    size_t bytes = slab->slot_size;
    if (unlikely(bytes > HARD_SMALL) || unlikely(!hard_is_whole(p, bytes))) {
        hard_free_closed(slab, entry);
        return true;
    }
    hard_make_zero(p, bytes);
    atomic_store_explicit(entry.state, SLOT_HELD, memory_order_release);
    hard_keep(slab->size_class, entry);
    return true;
}

bool hard_free(void *p) { return hard_free_slot(p) || hard_free_empty(p); }

static NOINLINE void hard_free_other(void *p, enum family family) {
    if (!hard_free_empty(p)) mode_free(p, family);
}

void hard_free_any(void *p, enum family family) {
    if (unlikely(!hard_free_slot(p))) hard_free_other(p, family);
}

bool hard_free_checked(void *p, const struct free_request *request) {
    struct slot_ref ref;
    struct block_info info;
    if ((request->has_size || request->has_align) && slot_ref_find(p, &ref) && ref.start == p &&
        slot_state_get(ref.state) == SLOT_CHECKED && hard_is_whole(ref.start, ref.bytes)) {
        hard_info(&ref, &info);
        sized_free_check(&info, request);
    }
    return hard_free(p);
}

bool hard_find(void *p, struct slot_ref *ref) {
    return slot_ref_find(p, ref) && ref->start == p && slot_state_get(ref->state) == SLOT_CHECKED;
}

size_t hard_size(const struct slot_ref *ref) { return hard_size_of(ref->start, ref->bytes); }

bool hard_resize(const struct slot_ref *ref, size_t size) {
    size_t bytes = ref->bytes, before = hard_size_of(ref->start, bytes);
    if (size > bytes - HARD_TAIL || size_class_of(size + HARD_TAIL) != ref->slab->size_class)
        return false;
    if (!hard_is_whole(ref->start, bytes)) hard_report_overflow(ref, "found by realloc");
    /* No other thread may verify it in between. */
    atomic_store_explicit(ref->state, SLOT_CLOSING, memory_order_release);
    size_t kept = min_size(before, size), last = min_size(kept, sizeof(uint64_t));
    char end[sizeof(uint64_t)], *at = ref->start + kept - last;
    if (size > before) memset(ref->start + before, 0, size - before);
    /* hard_seal writes whole words, and may overwrite the end of the block. */
    memcpy(end, at, last);
    hard_seal(ref->start, bytes, size);
    memcpy(at, end, last);
    atomic_store_explicit(ref->state, SLOT_CHECKED, memory_order_release);
    return true;
}
