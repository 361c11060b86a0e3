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

static bool free_remote(struct slab *slab, const struct block_ref *block) {
    if (!remote_free(slab, block->state)) return false;
    call_counts_slot_freed(block->size_class);
    return true;
}

/* Frees a slot that was in use. Returns false if another thread freed it first. */
static bool free_slot(struct block_ref *block) {
    struct slab *slab = block->slab;
    /* A remote free needs no heap of the calling thread, and must not make one: memory may be
     * exhausted. */
    if (atomic_load_explicit(&slab->owner, memory_order_relaxed) != self_heap) {
        bool first = free_remote(slab, block);
        if (unlikely(++free_remote_count % FREES_PER_LOOK == 0)) decay_look_at_others();
        return first;
    }
    struct magazine_entry entry = {block->start, block->state};
    struct heap *heap = heap_enter();
    bool mine = heap == atomic_load_explicit(&slab->owner, memory_order_relaxed);
    /* The heap is not the owner if it is a stand-in in a signal handler. */
    bool done = mine ? free_to_full(heap, slab->size_class, entry) : free_remote(slab, block);
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
        return mapping_free(block->start);
    case BLOCK_NONE:
        break;
    }
    return false;
}

void free_plain(void *p, const void *caller) {
    struct block_ref block = find_block(p);
    if (unlikely(block.kind == BLOCK_NONE)) {
        if (!foreign_free(p)) misuse_report(MISUSE_FREE, p, caller);
        return;
    }
    bool done = sampled_end(&block) && free_found(&block);
    sanitizer_release(self_heap); /* it was read outside heap_enter and heap_leave */
    if (!done) misuse_report(MISUSE_FREE, p, caller);
}

EXPORT_OWN HOT void mallow_free(void *p) {
    if (likely(fast_give(p) == FAST_DONE)) return;
    mode_now()->free(p, FAMILY_MALLOC);
}
