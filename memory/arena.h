/*
 * The inside of an arena.
 *
 *      nursery block                chunk                        chunk (newest)
 *     [ struct arena | blocks ]    [ header | blocks ]          [ header | blocks ->   <- texts ]
 *                                                                           at ^      ^ end
 *
 * Blocks are taken upwards from `at`, and unaligned texts downwards from `end`, so that texts cost
 * no padding. A block that would waste much of a chunk gets one of its own, in another list. All
 * chunks are numbered in the order in which they were taken: a mark keeps the number of the newest,
 * and a release gives back those with a higher one.
 *
 * Destructors and children form one list, with a number each, which a mark keeps too. A
 * destructor's entry is a block of the arena, and a child's entry is in the child.
 *
 * While a tool watches the program (watch.h), `at` and `end` are NULL. Every block then comes from
 * the slow path, which takes texts upwards too and leaves gaps.
 */
#ifndef MALLOW_ARENA_INSIDE_H
#define MALLOW_ARENA_INSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mallow/arena.h"

struct arena_chunk {
    struct arena_chunk *older;
    size_t bytes;
    uint64_t number;
    size_t unused_before; /* what was left in the chunk before, for the usage */
    char gap[16];         /* before the first block, see watch.h */
};

struct arena_cleanup {
    struct arena_cleanup *older, *newer;
    uint64_t number;
    void (*run)(void *object);
    void *object;
};

struct arena {
    _Alignas(16) struct mallow_arena room; /* first: what the program has a pointer to */
    struct mallow_arena hidden;            /* the room, while a tool watches */
    char *newest;                          /* its newest block, while a tool watches */
    struct arena_chunk *chunks;            /* newest first */
    struct arena_chunk *large;             /* with one block each, newest first */
    struct arena_chunk *spare;             /* to be used again */
    size_t spare_bytes;
    size_t mapped_bytes; /* of all three lists */
    size_t next_bytes;   /* of the next chunk */
    uint64_t chunk_number;
    struct arena_cleanup *cleanups; /* newest first */
    uint64_t cleanup_number;
    struct arena *parent;
    struct arena_cleanup in_parent;   /* in the parent's list */
    struct arena *_Atomic of_threads; /* children of mallow_arena_for_thread */
    struct arena *next_of_threads;
    int thread;
    uint64_t identity;         /* differs from that of every other arena */
    _Alignas(16) char gap[16]; /* before the first block, see watch.h */
};

#define arena_of(room) ((struct arena *)(void *)(room))

/* Returns where the arena's free part is kept. */
static inline struct mallow_arena *arena_room(struct arena *arena) {
    return arena->hidden.at != NULL ? &arena->hidden : &arena->room;
}

/* The pool (watch.h) of the current chunk, or of the nursery block. */
void *arena_pool(struct arena *arena, size_t *bytes);

/* Adds an entry whose `run` and `object` are set. */
void arena_add_cleanup(struct arena *arena, struct arena_cleanup *cleanup);
void arena_remove_cleanup(struct arena *arena, struct arena_cleanup *cleanup);

/* Creates an arena without a parent for the public function `function`. */
struct arena *arena_create(const char *function);

/* Returns a number that no arena has had. */
uint64_t arena_new_identity(void);

/* Destroys the children of mallow_arena_for_thread. */
void arena_destroy_threads(struct arena *arena);

/* Takes a chunk of `bytes` bytes, a multiple of the page size, and adds it to a list. */
struct arena_chunk *arena_add_chunk(struct arena *arena, struct arena_chunk **list, size_t bytes,
                                    const char *function);

#endif
