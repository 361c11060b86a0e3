/* free, and its slow path in the plain mode. */
#include "base/assert.h"
#include "base/atomics.h"
#include "base/compiler.h"
#include "heap/alloc.h"
#include "heap/call_counts.h"
#include "heap/class_counts.h"
#include "heap/decay.h"
#include "heap/fast.h"
#include "heap/find.h"
#include "heap/foreign.h"
#include "heap/heap_enter.h"
#include "heap/magazine.h"
#include "heap/misuse.h"
#include "heap/mode.h"
#include "heap/remote.h"
#include "heap/sampled.h"
#include "heap/shared_free.h"
#include "heap/slab_give.h"
#include "mallow.h"
#include "pages/large.h"
#include "pages/mapping.h"

/* Frees a slot whose slab belongs to `heap`. If its magazine is full, the magazine grows, or half
 * of it goes back to the slabs. Returns false if another thread has freed the slot since the caller
 * read its state. */
static bool free_to_full(struct heap *heap, unsigned size_class, struct magazine_entry entry) {
    MALLOW_ASSERT(heap_is_entered(heap));
    uint8_t used = SLOT_USED;
    if (!atomic_compare_exchange_strong_explicit(entry.state, &used, SLOT_CACHED,
                                                 memory_order_relaxed, memory_order_relaxed))
        return false;
    magazine_grow(heap, size_class);
    unsigned count = magazine_count(heap, size_class);
    if (heap->bin[size_class].entries <= 1) {
        class_counts_issue(heap, size_class, -1);
        slab_give(heap, &entry, 1);
        return true;
    }
    if (magazine_full(&heap->cached[size_class])) magazine_flush(heap, size_class, (count + 1) / 2);
    magazine_push(heap, size_class, entry);
    return true;
}

/* After this many frees of other threads' slots, a thread looks for memory that those threads do
 * not collect. A thread that only frees has no other occasion to do so. */
#define FREES_PER_LOOK 4096u
static __thread unsigned free_remote_count __attribute__((tls_model("initial-exec")));

/* A slot of another thread's slab, which is being freed. */
struct remote_slot {
    struct slab *slab;
    struct heap *owner; /* of the slab when the slot was freed; NULL: the slot is not freed */
    unsigned size_class;
};

/* Marks the slot as free. The owner is NULL if another thread freed it first. */
ALWAYS_INLINE struct remote_slot free_mark_remote(struct slab *part, _Atomic uint8_t *state) {
    struct slab *slab = slab_head(part);
    unsigned size_class = part->size_class;
    return (struct remote_slot){slab, remote_mark(slab, state), size_class};
}

static NOINLINE void free_finish_remote_slowly(struct heap *owner, struct slab *slab,
                                               unsigned size_class) {
    remote_announce(owner, slab);
    if (self_heap != EMPTY_HEAP) {
        self_heap->freed_for = owner;
        sanitizer_release(self_heap);
    }
    call_counts_slot_freed(size_class);
    if (free_remote_count % FREES_PER_LOOK == 0) decay_look_at_others();
}

ALWAYS_INLINE void free_finish_remote(struct remote_slot slot) {
    bool look = ++free_remote_count % FREES_PER_LOOK == 0;
    if (unlikely(!remote_is_pending(slot.slab)) || unlikely(racy_load(bool, &call_counts_on)) ||
        unlikely(look))
        free_finish_remote_slowly(slot.owner, slot.slab, slot.size_class);
}

/* Frees a block whose slab belongs to another heap. Returns false if another thread freed it first.
 */
static bool free_remote(const struct block_ref *block) {
    bool first = remote_free(slab_head(block->slab), block->state);
    if (first) call_counts_slot_freed(block->size_class);
    return first;
}

/* Frees p if it is a used slot of another thread's slab; the owner is NULL if it is anything else.
 * This needs no heap of the calling thread, and must not make one: memory may be exhausted. */
ALWAYS_INLINE struct remote_slot free_mark_if_remote(void *p) {
    struct remote_slot none = {0};
    size_t granule = granule_of(p);
    if (unlikely(granule >= __atomic_load_n(&space.granules, __ATOMIC_ACQUIRE))) return none;
    struct slab *part = slab_of(granule);
    /* Only granules of slabs have an owner. */
    struct heap *owner = atomic_load_explicit(&part->owner, memory_order_acquire);
    if (owner == self_heap || unlikely(owner == NULL)) return none;
    struct slot_location slot = slot_locate(part, p);
    if (unlikely(!slot.is_start) || unlikely(slot_state_get(slot.state) != SLOT_USED)) return none;
    return free_mark_remote(part, slot.state);
}

/* Frees a slot that was in use. Returns false if another thread freed it first. */
static bool free_slot(struct block_ref *block) {
    struct slab *slab = block->slab;
    if (atomic_load_explicit(&slab->owner, memory_order_relaxed) != self_heap)
        return free_remote(block);
    struct magazine_entry entry = {block->start, block->state};
    struct heap *heap = heap_enter();
    bool mine = heap == atomic_load_explicit(&slab->owner, memory_order_relaxed);
    /* The heap is not the owner if it is a stand-in in a signal handler. */
    bool done = mine ? free_to_full(heap, slab->size_class, entry) : free_remote(block);
    if (heap != NULL) {
        decay_turn(heap);
        heap_leave(heap);
    }
    return done;
}

static bool free_found(struct block_ref *block) {
    switch (block->kind) {
    case BLOCK_SLOT:
        return free_slot(block);
    case BLOCK_SHARED:
        return shared_free(block->start, block->size_class);
    case BLOCK_RUN:
        return large_free(block->start);
    case BLOCK_MAPPING:
        return large_free_mapping(block->start);
    case BLOCK_NONE:
        break;
    }
    return false;
}

static NOINLINE void free_other(void *p, const void *caller) {
    struct block_ref block = find_block(p);
    if (unlikely(block.kind == BLOCK_NONE)) {
        if (!foreign_free(p)) misuse_report(MISUSE_FREE, p, caller);
        return;
    }
    bool done = sampled_end(&block) && free_found(&block);
    sanitizer_release(self_heap); /* it was read outside heap_enter and heap_leave */
    if (!done) misuse_report(MISUSE_FREE, p, caller);
}

/* Most blocks that leave the fast path are slots of other threads' slabs. */
void free_plain(void *p, const void *caller) {
    struct remote_slot slot = free_mark_if_remote(p);
    if (likely(slot.owner != NULL))
        free_finish_remote(slot);
    else
        free_other(p, caller);
}

EXPORT_OWN HOT void mallow_free(void *p) {
    if (likely(fast_give(p) == FAST_DONE)) return;
    mode_now()->free(p, FAMILY_MALLOC);
}
