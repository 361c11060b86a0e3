/*
 * A heap: everything that one thread needs to allocate and free without synchronization.
 *
 * A magazine is a thread's stack of free slots of one size class. The entry below the oldest is a
 * sentinel without a slot. malloc loads the newest entry anyway, and if that entry has no slot, the
 * magazine is empty:
 *
 *     limit - entries            top                 limit
 *          v                      v                    v
 *     [ sentinel | oldest | ... | newest | unused ... ]
 *
 * Only the owner changes a heap, with two exceptions: any thread may push onto `pending`, and a
 * visitor (heap_visit.h) may work on the heap's slabs.
 *
 * A thread owns its heap from its first allocation until it ends. The next thread that looks for a
 * heap finds out that the owner has ended (os/owner.h). This needs no pthread key, no destructor
 * and no lock of the loader, and it works whether the thread returned, was cancelled or exited when
 * memory was exhausted.
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

struct class_counts;
struct hard;
struct seal;
struct mallow_class_calls;
struct quarantine;
struct slab;
struct stack_cache;

#define EMPTY_SLABS 32u

struct magazine_entry {
    char *slot; /* NULL: a sentinel */
    _Atomic uint8_t *state;
};

struct magazine {
    _Alignas(2 * sizeof(void *)) struct magazine_entry *top; /* newest entry, or the sentinel */
    struct magazine_entry *limit;                            /* one past the array */
};

/* A heap's slabs of one class that have available slots, and how much the class is used. */
struct heap_bin {
    struct slab *partial; /* read by threads that look for a slab */
    uint16_t entries;     /* of the magazine's array, including the sentinel; 0: no array yet */
    uint16_t allowed;     /* upper limit of `entries`, set when the array is to grow */
    int16_t trips;        /* refills and flushes since the array last grew, or was halved */
    uint16_t heat;        /* takes and frees of shared slots, up to SHARED_HEAT (shared.h) */
};

/* How far the heap has returned the free pages in its slabs to the kernel (decay.c). */
struct heap_decay {
    int64_t next_look, next_sweep, next_halving; /* times of purge_now */
    size_t granule;                              /* where the sweep continues */
    bool unfinished;                             /* this sweep left something for the next one */
    unsigned began_at;                           /* `slow_path_count` when this sweep began */
    unsigned finished_at;          /* `began_at` of the last sweep that left nothing */
    unsigned tours_without_thread; /* since its thread ended; not counted in the plain mode */
};

/* A sentinel has no state, but leads to the magazine that the counting path uses. */
#define SENTINEL_TO(magazine) ((struct magazine_entry){NULL, (_Atomic uint8_t *)(magazine)})

static inline struct magazine *sentinel_magazine(const struct magazine_entry *sentinel) {
    return (struct magazine *)(void *)sentinel->state;
}

struct countdown {
    int64_t *left; /* calls until the mode looks at one: in the heap's stripe, or `own` */
    int64_t own;
};

/* The data of the counting path, by class. A magazine and its countdown have a constant distance,
 * by which counting_beside finds the countdown. */
struct counting {
    struct magazine cached[CLASSES];
    struct countdown countdown[CLASSES];
    struct magazine_entry sentinels[CLASSES]; /* they lead to `cached` */
    uint8_t due[CLASSES];                     /* why the mode looks when the countdown ends */
    unsigned generation;                      /* of the settings that the countdowns follow */
    struct class_counts *counts;              /* see struct heap */
};

struct heap {
    struct magazine magazine[CLASSES];

    /* The address of the mark (struct frame_mark) of the slow path that works on the heap, or 0. If
     * it is not 0 when the thread enters its heap, a signal handler has interrupted that slow path,
     * and may have jumped out of it; see heap_enter. */
    volatile uintptr_t busy;
    /* The magazines that hold the heap's free slots, by class: `magazine` or, while calls are
     * counted, counting->cached (counting.h). */
    struct magazine *cached;
    struct mallow_class_calls *calls; /* exact counts of calls (call_counts.h); NULL: none */
    struct heap_bin bin[CLASSES];
    /* Slabs whose `in_use` is 0, which are also in their bins. They are kept for their class, since
     * their pages may be resident, until another class needs a slab. */
    struct slab *empty[EMPTY_SLABS];
    unsigned empties;
    unsigned idle_emptied; /* times that an idle class lost its slots, since a halving (alloc.c) */
    size_t granules;       /* of all its slabs */
    size_t cached_room;    /* bytes of the slots for which all magazines have entries */

    struct slab *collecting; /* taken from `pending`, but not harvested yet */
    struct heap *outer;      /* the interrupted heap for which this one is a stand-in */
    struct heap *next;       /* in the registry; heaps are never unmapped */
    struct heap *freed_for;  /* owner of the slab that the thread last announced (remote.h) */
    struct owner owner;
    struct open_lock visit;   /* held by a visitor, see heap_visit_begin */
    unsigned slow_path_count; /* completed slow paths; wraps around */
    /* The shared slot of each class that was freed last. It waits, so that an old pointer to it
     * does not meet the next block (shared_free.c). */
    char *shared_waits[SHARED_CLASSES];
    struct heap_decay decay;
    unsigned generation; /* of the settings that the magazines follow */

    /* Used only in some modes and settings. */
    struct quarantine *quarantine; /* freed slots that wait, in check=full (quarantine.h) */
    struct hard *hard;             /* free slots, in check=hard (hard.h) */
    struct seal *seal;             /* freed slots that wait, in check=seal (seal.h) */
    struct stack_cache *stacks;    /* the thread's most recent stacks (stack.h) */
    struct counting *counting;     /* see `cached` */
    uint64_t random;
    uint64_t random_counts; /* state of a generator for countdowns; 0: not seeded */

    /* Slabs of each class with remotely freed slots. Any thread pushes a slab; the owner, or a
     * visitor in its place, takes the whole list. */
    _Alignas(CACHE_LINE) _Atomic(struct slab *) pending[CLASSES];
};

/* The sentinel of all magazines that have no array, and a magazine that is always empty. Unless
 * calls are counted, all sentinels lead to it. */
extern struct magazine_entry heap_no_entries[1];
extern struct magazine heap_no_magazine;

/* The heap of a thread that has not allocated anything. Its magazines have only sentinels. It owns
 * no slab, so no free pushes onto its magazines. It is marked busy, so every slow path recognizes
 * it. Nothing else is ever read, so it has no other members. */
extern struct empty_heap {
    _Alignas(CACHE_LINE) struct magazine magazine[CLASSES];
    uintptr_t busy;
    struct magazine *cached;
} empty_heap;
#define EMPTY_HEAP ((struct heap *)&empty_heap)
_Static_assert(offsetof(struct heap, busy) == offsetof(struct empty_heap, busy) &&
                   offsetof(struct heap, cached) == offsetof(struct empty_heap, cached),
               "same beginning");

/* The calling thread's heap, or EMPTY_HEAP. */
extern __thread struct heap *self_heap __attribute__((tls_model("initial-exec")));

/* Returns true while a visitor holds the heap or tries to acquire it. */
static inline bool heap_is_visited(struct heap *heap) {
    return atomic_load_explicit(&heap->visit.word, memory_order_relaxed) != 0;
}

/* For assertions. heap_is_entered returns true if the calling thread owns the heap and has marked
 * it busy. heap_is_held also returns true if the thread visits the heap. */
bool heap_is_entered(const struct heap *heap);
bool heap_is_held(const struct heap *heap);
#define heap_assert_held(heap) MALLOW_ASSERT(heap_is_held(heap))

#endif
