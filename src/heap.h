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
 * Whoever holds a heap's mutex is its owner and the only one to touch anything in it but
 * `pending`. A thread holds its heap's mutex from its first allocation until it dies; the mutex is
 * robust, so the kernel itself tells the next thread that tries it that the owner is gone. That
 * needs no pthread key, no destructor and no lock of the loader's, and a heap is found whether its
 * thread returned, was cancelled or exited with its memory exhausted.
 */
#ifndef MALLOW_HEAP_H
#define MALLOW_HEAP_H

#include <pthread.h>
#include <stdatomic.h>

#include "config.h"
#include "size_class.h"

struct slab;

#define EMPTY_SLABS 32u

struct entry {
    char *slot;
    _Atomic uint8_t *state;
};

struct magazine {
    struct entry *top;   /* newest entry, or the sentinel */
    struct entry *limit; /* one past the array */
};

/* A heap's slabs of one class that have free slots, and how much the class is used. */
struct bin {
    struct slab *partial;
    uint16_t entries; /* of the magazine's array, sentinel included; 0 before the first */
    uint16_t allowed; /* that many at most */
    int16_t streak;   /* refills since the last flush, or less than 0: flushes since a refill */
    uint16_t heat;    /* slots taken from cold granules so far (cold.c) */
};

struct heap {
    struct magazine magazine[CLASSES];

    /* Frame address of the slow path that is at work here, 0 otherwise. Not 0 on entry means that
     * a signal interrupted it: see heap_enter. */
    volatile uintptr_t busy;
    struct bin bin[CLASSES];
    /* Slabs without a used or cached slot, also in their bins: kept for their class, whose pages
     * they have, until another class needs one. */
    struct slab *empty[EMPTY_SLABS];
    unsigned empties;

    struct slab *collecting; /* taken from pending, not yet looked at */
    struct heap *outer;      /* the interrupted heap that this one stands in for */
    struct heap *next;       /* registry: heaps are never unmapped */
    pthread_mutex_t owner;
    _Atomic int visited; /* another thread is at work on what is pending (heap_visit_begin) */
    _Atomic int closed;  /* to visitors: the owner collects or repairs */

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
 * heap_enter returns NULL when there is no memory for a heap.
 */
struct heap *heap_enter(void);
void heap_leave(struct heap *heap);

/* Takes a slab with free slots of the class from a heap whose thread is gone. */
struct slab *heap_take_orphan_slab(struct heap *heap, unsigned class);

/*
 * A visit to a heap that another thread owns, and that may go on allocating: the visitor may
 * borrow slabs from its pending lists, and no slot is collected meanwhile. False: not now. Signals
 * must be blocked, and what is borrowed handed back before the end.
 */
bool heap_visit_begin(struct heap *heap);
void heap_visit_end(struct heap *heap);

/* Of the owner: keeps visitors out; false when one is there. */
bool heap_close(struct heap *heap);
void heap_open(struct heap *heap);

/* The same, but waits for the visitor to go. */
void heap_close_waiting(struct heap *heap);

/* Gives what threads that are gone kept in magazines back to their slabs; how many heaps are
 * theirs, and how many others there are. */
struct heap_counts {
    size_t with_thread, without_thread;
};
struct heap_counts heap_reap_all(void);

/* The same, and returns free pages inside their slabs and the calling thread's, and those that
 * others freed in the slabs of threads that live; true when some went. */
bool heap_trim_all(void);

/* Now and then, from slow paths: returns what others freed in the slabs of threads that do not
 * collect it, a slice of it at most. */
void heap_trim_idle(void);

/* In the child of a fork: only the calling thread's heap has an owner. */
void heap_after_fork(void);

/* The registry, newest first. */
struct heap *heap_first(void);

#endif
