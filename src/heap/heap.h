/*
 * A heap: what one thread needs to allocate without asking anybody.
 *
 * A magazine is a thread's stack of free slots of one class. Below its first entry lies a sentinel
 * without a slot, so "is it empty" is the NULL test of the entry that malloc loads anyway:
 *
 *     limit - entries            top                 limit
 *          v                      v                    v
 *     [ sentinel | oldest | ... | newest | unused ... ]
 *
 * A heap's owner is the only thread that touches anything in it but `pending`. A thread owns its
 * heap from its first allocation until it ends; the next thread that looks for a heap finds out
 * that the owner is gone (os/owner.h). That needs no pthread key, no destructor and no lock of the
 * loader's, and a heap is found whether its thread returned, was cancelled or exited with its
 * memory exhausted.
 */
#ifndef MALLOW_HEAP_H
#define MALLOW_HEAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/atomics.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "heap/size_class.h"
#include "os/frame_mark.h"
#include "os/open_lock.h"
#include "os/owner.h"

struct hard;
struct quarantine;
struct slab;
struct stack_cache;

#define EMPTY_SLABS 32u

struct entry {
    char *slot;
    _Atomic uint8_t *state;
};

struct magazine {
    _Alignas(2 * sizeof(void *)) struct entry *top; /* newest entry, or the sentinel */
    struct entry *limit;                            /* one past the array */
};

/* A heap's slabs of one class that have free slots, and how much the class is used. */
struct bin {
    struct slab *partial;
    uint16_t entries;     /* of the magazine's array, sentinel included; 0 before the first */
    uint16_t allowed;     /* that many at most */
    int16_t streak;       /* refills since the last flush, or less than 0: flushes since a refill */
    uint16_t heat;        /* slots taken from shared granules so far (shared.c) */
    uint16_t last_refill; /* slots that the last refill brought, while allocations are sampled */
};

/* How far free memory in the heap's slabs has been given back (decay.c). */
struct decay {
    int64_t next_look, next_sweep; /* purge_now */
    size_t granule;                /* where the sweep goes on */
    bool unfinished;               /* this sweep left something for the next */
    unsigned finished_at;          /* `slow_path_count` when a sweep left nothing */
    unsigned tours_without_thread; /* since its thread is gone */
};

/* A thread's way to the next allocation that is sampled; zeroed at first. */
struct sample_countdown {
    uint64_t random;
    size_t left; /* allocations until then */
};

struct heap {
    struct magazine magazine[CLASSES];

    /* Address of the mark (struct frame_mark) of the slow path that is at work here, 0 otherwise.
     * Not 0 on entry means that a signal interrupted it: see heap_enter. */
    volatile uintptr_t busy;
    /* Where a freed slot goes, by class: `magazine`, from which the next allocation takes it. While
     * allocations are sampled another one: what is freed is handed out only after the first is
     * empty, so that a slow path passes, which counts, after as many allocations as a magazine
     * holds, however few slots the program uses in turn. */
    struct magazine *freed;
    struct bin bin[CLASSES];
    /* Slabs without a used or cached slot, also in their bins: kept for their class, whose pages
     * they have, until another class needs one. */
    struct slab *empty[EMPTY_SLABS];
    unsigned empties;

    struct slab *collecting; /* taken from pending, not yet looked at */
    struct heap *outer;      /* the interrupted heap that this one stands in for */
    struct heap *next;       /* registry: heaps are never unmapped */
    struct owner owner;
    struct open_lock visit;   /* another thread is at work here, see heap_visit_begin */
    unsigned slow_path_count; /* slow paths that were left; wraps around */
    struct decay decay;
    unsigned generation; /* of the settings that the magazines follow */

    /* Of special modes alone. */
    struct quarantine *quarantine; /* freed slots that wait, in check=full (quarantine.h) */
    struct hard *hard;             /* the same in check=hard (hard.h) */
    struct stack_cache *stacks;    /* the thread's last ones (stack.h) */
    struct magazine *other_side;   /* see freed */
    uint64_t random;
    struct sample_countdown sample;

    /* Slabs of each class with remotely freed slots: any thread pushes, the owner takes all. */
    _Alignas(CACHE_LINE) _Atomic(struct slab *) pending[CLASSES];
};

/* What a thread has before its first allocation: magazines with nothing but sentinels. It owns
 * no slab, so no free ever pushes on them, and it is marked busy, so every slow path sees it.
 * Nothing else of it is ever looked at, so nothing else is there. */
extern struct empty_heap {
    _Alignas(CACHE_LINE) struct magazine magazine[CLASSES];
    uintptr_t busy;
} empty_heap;
#define EMPTY_HEAP ((struct heap *)&empty_heap)
_Static_assert(offsetof(struct heap, busy) == offsetof(struct empty_heap, busy), "same beginning");

extern __thread struct heap *self_heap __attribute__((tls_model("initial-exec")));

/*
 * Entering and leaving a slow path. Between the two the heap's lists may be in motion; a signal
 * handler that allocates then must not see them, and one that jumps away must not leave them so:
 * an interrupted heap is either still needed (the handler may return), then the thread goes on
 * with another heap, or its slow path's frame is gone, then it is repaired from the state bytes.
 * heap_enter returns NULL when there is no memory for a heap. The mark is in the caller's frame.
 */
#define heap_enter() heap_enter_marked(&(struct frame_mark){{0}})
struct heap *heap_enter_marked(struct frame_mark *mark);
void heap_leave(struct heap *heap);

/* Makes `heap`, which is idle, the thread's heap again, and releases the stand-ins of a handler
 * that has returned. */
void heap_go_back(struct heap *heap);

/*
 * A short operation on the thread's own heap, without what heap_enter does for visitors and
 * settings:
 *
 *     struct heap *heap = self_heap;
 *     struct frame_mark mark;
 *     if (!heap_is_idle(heap)) ...heap_enter instead...
 *     heap_begin_short(heap, &mark);
 *     ...
 *     heap_end_short(heap, &mark);
 *
 * It works on `heap`, whatever self_heap is by then: a handler may have put a stand-in there.
 * Stand-ins are not idle. A handler may release one just before it would be marked, and another
 * thread take it.
 */
ALWAYS_INLINE bool heap_is_idle(const struct heap *heap) {
    return likely(heap->busy == 0) && likely(heap->outer == NULL);
}

ALWAYS_INLINE void heap_begin_short(struct heap *heap, struct frame_mark *mark) {
    MALLOW_ASSERT(heap->busy == 0);
    frame_mark_set(mark, (uintptr_t)mark);
    racy_store(&heap->busy, (uintptr_t)mark);
    signal_order();
}

/* Looks for a stand-in only once the heap is idle: until then the next handler would install
 * another, which would outlive the operation. */
ALWAYS_INLINE void heap_end_short(struct heap *heap, struct frame_mark *mark) {
    MALLOW_ASSERT(heap->busy == (uintptr_t)mark);
    signal_order();
    racy_store(&heap->busy, 0);
    frame_mark_clear(mark);
    sanitizer_release(heap);
    signal_order();
    if (unlikely(self_heap != heap)) heap_go_back(heap);
}

/* The calling thread's magazines hold from now on what the settings allow; those of other threads
 * do so from their next slow path on. */
void heap_follow_settings(void);

/* Takes a slab with free slots of the class from a heap whose thread is gone. */
struct slab *heap_take_orphan_slab(struct heap *heap, unsigned size_class);

/*
 * A visit to a heap whose thread lives, but is not in one of its slow paths: until the visitor has
 * gone the thread waits at the door of the next one, and the visitor may do to the heap's slabs
 * what its owner could, but not to its magazines, for the fast paths go on. A slab must not retire
 * either: its thread may be about to free one of its slots a second time, and read the states.
 * False: not now. When a signal handler jumps out of a visit, the thread repairs the heap.
 */
bool heap_visit_begin(struct heap *heap, struct lock_hold *hold);
void heap_visit_end(struct heap *heap, struct lock_hold *hold);

/* Whether a thread is on a visit, or about to find out that it may not be. */
static inline bool heap_is_visited(struct heap *heap) {
    return atomic_load_explicit(&heap->visit.word, memory_order_relaxed) != 0;
}

/* The caller becomes the owner of a heap without a thread until the end, or enters its own; false
 * when the heap is another thread's, or the caller's own and at work. */
#define heap_begin(heap) heap_begin_marked(heap, &(struct frame_mark){{0}})
bool heap_begin_marked(struct heap *heap, struct frame_mark *mark);
void heap_end(struct heap *heap);

/* Gives what the heap keeps in magazines back to its slabs, and empty slabs to all; false when no
 * slab was empty. Of the owner. */
bool heap_reap(struct heap *heap);

/* The same for all that it keeps, blocks that wait in special modes included. */
bool heap_reap_whole(struct heap *heap);

/* The same for the heaps of threads that are gone; how many these are, and how many others. */
struct heap_counts {
    size_t with_thread, without_thread;
};
struct heap_counts heap_reap_all(void);

/* Gives up what the thread keeps for itself, when memory is short; false when it kept none. */
bool heap_relieve(void);

/* In the child of a fork: only the calling thread's heap has an owner. */
void heap_after_fork(void);

/* For assertions: true if the calling thread owns the heap and is in a slow path of it; and true if
 * it does so or visits the heap. */
bool heap_is_entered(const struct heap *heap);
bool heap_is_held(const struct heap *heap);
#define heap_assert_held(heap) MALLOW_ASSERT(heap_is_held(heap))

/* Asserts that each slab in a list is in no other and belongs there. Returns true. */
bool heap_lists_are_valid(struct heap *heap);

/* Asserts that the heap's lists, listed slabs and magazines are valid. Only for the heap's owner.
 */
bool heap_is_valid(struct heap *heap);

/* Does the same once in many calls. */
bool heap_is_valid_at_times(struct heap *heap);

/* The registry, newest first. */
struct heap *heap_first(void);

#endif
