#include "check/hard_queue.h"

#include "base/atomics.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "check/hard_ring.h"
#include "heap/decay.h"
#include "heap/heap_enter.h"
#include "heap/slab_give.h"
#include "heap/slot_location.h"
#include "os/open_lock.h"
#include "pages/meta.h"

#define QUEUE_ENTRIES 256u
_Static_assert(QUEUE_ENTRIES > HARD_DELAY + 1, "a slot enters before another leaves");

struct hard_waiting {
    struct magazine_entry entry;
    uint64_t freed; /* `freed` of the queue before the slot was freed */
};

/* `freed` only grows, so a signal handler that jumps away does not make it wrong for long. */
struct hard_queue {
    uint64_t freed; /* bytes of all slots that have entered the queue */
    uint32_t head, tail;
    struct hard_waiting waiting[QUEUE_ENTRIES];
};

/* Returns the heap's queue, and makes it if necessary. Returns NULL if there is no memory. */
static struct hard_queue *hard_queue_of(struct heap *heap) {
    struct lock_hold hold;
    if (likely(heap->hard->queue != NULL)) return heap->hard->queue;
    if (!open_lock_take(&global_lock, &hold)) return NULL;
    struct hard_queue *queue = meta_alloc(sizeof *queue);
    if (queue != NULL) queue->head = queue->tail = 0, queue->freed = 0;
    signal_order();
    heap->hard->queue = queue;
    open_lock_drop(&global_lock, &hold);
    return queue;
}

static struct hard_waiting *hard_queue_at(struct hard_queue *queue, uint32_t i) {
    return &queue->waiting[i % QUEUE_ENTRIES];
}

/* The entry is complete before `tail` covers it. */
static void hard_queue_append(struct hard_queue *queue, struct magazine_entry entry, size_t bytes) {
    uint32_t tail = queue->tail;
    *hard_queue_at(queue, tail) = (struct hard_waiting){entry, queue->freed};
    queue->freed += bytes;
    signal_order();
    racy_store(&queue->tail, tail + 1);
    sanitizer_release(self_heap);
}

/* Returns true if the oldest slot has waited long enough. */
static bool hard_queue_is_due(struct hard_queue *queue) {
    uint32_t count = queue->tail - queue->head;
    return count > HARD_DELAY ||
           (count != 0 && queue->freed - hard_queue_at(queue, queue->head)->freed > QUEUE_BYTES);
}

static struct magazine_entry hard_queue_pop(struct hard_queue *queue) {
    struct magazine_entry entry = hard_queue_at(queue, queue->head)->entry;
    signal_order(); /* a handler that jumps away loses the slot, but no slot is there twice */
    queue->head++;
    return entry;
}

/* Moves slots that have waited to their rings. Returns false if a ring is full. */
static bool hard_queue_settle(struct heap *heap, struct hard_queue *queue) {
    while (hard_queue_is_due(queue)) {
        const char *oldest = hard_queue_at(queue, queue->head)->entry.slot;
        struct hard_ring *ring = &heap->hard->rings[slab_of(granule_of(oldest))->size_class];
        if (hard_ring_count(ring) >= ring->most) return false;
        hard_ring_append(ring, hard_queue_pop(queue));
    }
    return true;
}

/* Keeps the slot without entering the heap. Returns false if the slow path is needed. */
static bool hard_queue_keep_fast(struct magazine_entry entry, size_t bytes, bool *kept) {
    struct frame_mark mark;
    struct heap *heap = self_heap;
    if (unlikely(!heap_is_idle(heap)) || unlikely(heap->hard == NULL)) return false;
    heap_begin_short(heap, &mark);
    struct hard_queue *queue = heap->hard->queue;
    bool settled = false;
    if (likely(queue != NULL) && likely(queue->tail - queue->head < QUEUE_ENTRIES)) {
        hard_queue_append(queue, entry, bytes);
        *kept = true;
        settled = hard_queue_settle(heap, queue);
    }
    heap_end_short(heap, &mark);
    return settled;
}

/* Makes room in the ring of the oldest slot. */
static void hard_queue_make_room(struct heap *heap, struct hard_queue *queue) {
    const char *oldest = hard_queue_at(queue, queue->head)->entry.slot;
    unsigned size_class = slab_of(granule_of(oldest))->size_class;
    struct hard_ring *ring = hard_ring_of(heap, size_class);
    if (ring != NULL) {
        hard_ring_evict(heap, ring, ring->most / 2);
    } else {
        struct magazine_entry entry = hard_queue_pop(queue);
        slab_give(heap, &entry, 1);
    }
}

static NOINLINE void hard_queue_keep_slowly(struct magazine_entry entry, size_t bytes, bool kept) {
    struct heap *heap = heap_enter();
    if (heap == NULL) return; /* no memory: the slot stays HELD and is lost */
    struct hard_queue *queue = NULL;
    if (hard_ring_of(heap, CLASS_ZERO) != NULL) queue = hard_queue_of(heap);
    if (queue == NULL) {
        if (!kept) slab_give(heap, &entry, 1);
    } else {
        if (!kept) hard_queue_append(queue, entry, bytes);
        while (!hard_queue_settle(heap, queue)) hard_queue_make_room(heap, queue);
    }
    decay_turn(heap);
    heap_leave(heap);
}

void hard_queue_keep(struct magazine_entry entry, const struct slab *slab) {
    bool kept = false;
    size_t bytes = slab->slot_size;
    if (unlikely(!hard_queue_keep_fast(entry, bytes, &kept)))
        hard_queue_keep_slowly(entry, bytes, kept);
}

static bool hard_queue_relieve(struct heap *heap) {
    struct hard_queue *queue = heap->hard->queue;
    if (queue == NULL || queue->head == queue->tail) return false;
    while (queue->head != queue->tail) {
        struct magazine_entry entry = hard_queue_pop(queue);
        slab_give(heap, &entry, 1);
    }
    return true;
}

bool hard_relieve(struct heap *heap) {
    if (heap->hard == NULL) return false;
    bool some = hard_queue_relieve(heap);
    for (unsigned size_class = 0; size_class < CLASSES; size_class++) {
        struct hard_ring *ring = &heap->hard->rings[size_class];
        some |= hard_ring_count(ring) != 0;
        hard_ring_evict(heap, ring, 0);
    }
    return some;
}
