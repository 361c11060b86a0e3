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
struct heap_bin {
    struct slab *partial;
    uint16_t entries;     /* of the magazine's array, sentinel included; 0 before the first */
    uint16_t allowed;     /* that many at most */
    int16_t streak;       /* refills since the last flush, or less than 0: flushes since a refill */
    uint16_t heat;        /* slots taken from shared granules so far (shared.c) */
    uint16_t last_refill; /* slots that the last refill brought, while allocations are sampled */
};

/* How far free memory in the heap's slabs has been given back (decay.c). */
struct heap_decay {
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
    struct heap_bin bin[CLASSES];
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
    struct heap_decay decay;
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

/* The sentinel of magazines that have no array yet. */
extern struct entry heap_no_entries[1];

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

/* Whether a thread is on a visit, or about to find out that it may not be. */
static inline bool heap_is_visited(struct heap *heap) {
    return atomic_load_explicit(&heap->visit.word, memory_order_relaxed) != 0;
}

/* For assertions: true if the calling thread owns the heap and is in a slow path of it; and true if
 * it does so or visits the heap. */
bool heap_is_entered(const struct heap *heap);
bool heap_is_held(const struct heap *heap);
#define heap_assert_held(heap) MALLOW_ASSERT(heap_is_held(heap))

#endif
