/*
 * The internals of an arena.
 *
 *      nursery block                chunk                        chunk (newest)
 *     [ struct arena | blocks ]    [ header | blocks ]          [ header | blocks ->   <- texts ]
 *                                                                           at ^      ^ end
 *
 * Blocks are taken upwards from `at`, and unaligned texts downwards from `end`, so that texts need
 * no padding. A block that would waste much of a chunk gets a chunk of its own, in another list.
 * All chunks are numbered in the order in which they are added. A mark stores the number of the
 * newest chunk, and a release frees the chunks with higher numbers.
 *
 * Destructors and children are entries of one list, and each entry has a number. A mark stores the
 * number of the newest entry too. A destructor's entry is a block of the arena, and a child's entry
 * is part of the child.
 *
 * While a tool watches the program (watch.h), `at` and `end` are NULL. All blocks then come from
 * the slow path, which takes texts upwards too, and leaves a gap after each block.
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
    size_t unused_before; /* free bytes of the previous chunk, for mallow_arena_usage */
    char gap[16];         /* before the first block, see watch.h */
};

struct arena_cleanup {
    struct arena_cleanup *older, *newer;
    uint64_t number;
    void (*run)(void *object);
    void *object;
};

struct arena {
    _Alignas(16) struct mallow_arena room; /* first: the program has its address */
    struct mallow_arena hidden;            /* bounds of the free part, while a tool watches */
    char *newest;                          /* newest block, while a tool watches */
    struct arena_chunk *chunks;            /* newest first */
    struct arena_chunk *large;             /* chunks with one block each, newest first */
    struct arena_chunk *spare;             /* chunks to reuse */
    size_t spare_bytes;
    size_t mapped_bytes; /* sum of the chunks in all three lists */
    size_t next_bytes;   /* size of the next chunk */
    uint64_t chunk_number;
    struct arena_cleanup *cleanups; /* newest first */
    uint64_t cleanup_number;
    struct arena *parent;
    struct arena_cleanup in_parent;   /* in the parent's list */
    struct arena *_Atomic of_threads; /* children of mallow_arena_for_thread */
    struct arena *next_of_threads;
    int thread;                /* ID of the thread, if mallow_arena_for_thread created the arena */
    uint64_t identity;         /* no other arena has the same value */
    _Alignas(16) char gap[16]; /* before the first block, see watch.h */
};

#define arena_of(room) ((struct arena *)(void *)(room))

/* Returns the member that has the bounds of the arena's free part. */
static inline struct mallow_arena *arena_room(struct arena *arena) {
    return arena->hidden.at != NULL ? &arena->hidden : &arena->room;
}

/* Returns the pool (watch.h) of the current chunk, or of the nursery block if there is no chunk,
 * and stores its size in *bytes. */
void *arena_pool(struct arena *arena, size_t *bytes);

/* Add and remove an entry. Its `run` and `object` must be set. */
void arena_add_cleanup(struct arena *arena, struct arena_cleanup *cleanup);
void arena_remove_cleanup(struct arena *arena, struct arena_cleanup *cleanup);

/* Creates an arena without a parent for the public function `function`. */
struct arena *arena_create(const char *function);

/* Returns a number that no arena has had before. */
uint64_t arena_new_identity(void);

/* Destroys the children of mallow_arena_for_thread. */
void arena_destroy_threads(struct arena *arena);

/* Takes a spare or new chunk of at least `bytes` bytes, a multiple of the page size, and adds it to
 * the list. Returns NULL and records the failure of `function` if there is no memory. */
struct arena_chunk *arena_add_chunk(struct arena *arena, struct arena_chunk **list, size_t bytes,
                                    const char *function);

#endif
