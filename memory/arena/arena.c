#include "arena/arena.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "arena/nursery.h"
#include "base/chunk.h"
#include "base/failure.h"
#include "base/watch.h"

/* ---- creation ---- */

static char *arena_first_start(struct arena *arena) { return (char *)(arena + 1); }
static char *arena_first_end(struct arena *arena) { return (char *)arena + NURSERY_BYTES; }
_Static_assert(sizeof(struct arena) % 16 == 0, "the first block is aligned");
_Static_assert(sizeof(struct arena_chunk) % 16 == 0, "the first block of a chunk is aligned");
_Static_assert(offsetof(struct arena, room) == 0, "the program's pointer leads to the arena");

void *arena_pool(struct arena *arena, size_t *bytes) {
    struct arena_chunk *chunk = arena->chunks;
    char *start = chunk != NULL ? (char *)(chunk + 1) : arena_first_start(arena);
    char *end = chunk != NULL ? (char *)chunk + chunk->bytes : arena_first_end(arena);
    *bytes = (size_t)(end - start);
    return start;
}

uint64_t arena_new_identity(void) {
    static _Atomic uint64_t last;
    return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

struct arena *arena_create(const char *function) {
    struct arena *arena = nursery_take(function);
    if (arena == NULL) return NULL;
    if (watch_is_on()) watch_show(arena, NURSERY_BYTES);
    *arena = (struct arena){
        .room = {arena_first_start(arena), arena_first_end(arena)},
        .next_bytes = CHUNK_BYTES,
        .identity = arena_new_identity(),
    };
    if (watch_is_on()) {
        arena->hidden = arena->room;
        arena->room = (struct mallow_arena){NULL, NULL};
        watch_begin(arena->hidden.at, (size_t)(arena->hidden.end - arena->hidden.at));
    }
    return arena;
}

static void arena_end_child(void *child) { mallow_arena_destroy(child); }

static void arena_set_parent(struct arena *arena, struct arena *parent) {
    arena->parent = parent;
    if (parent == NULL) return;
    arena->in_parent.run = arena_end_child;
    arena->in_parent.object = arena;
    arena_add_cleanup(parent, &arena->in_parent);
}

struct mallow_arena *mallow_arena_create(struct mallow_arena *parent) {
    struct arena *arena = arena_create(__func__);
    if (arena == NULL) return NULL;
    arena_set_parent(arena, arena_of(parent));
    return &arena->room;
}

enum mallow_result mallow_arena_move(struct mallow_arena *arena, struct mallow_arena *parent) {
    if (arena == NULL || arena_of(arena)->thread != 0) return FAIL(MALLOW_BAD_ARGUMENT);
    for (struct arena *above = arena_of(parent); above != NULL; above = above->parent)
        if (above == arena_of(arena)) return FAIL(MALLOW_BAD_ARGUMENT);
    struct arena *child = arena_of(arena);
    if (child->parent != NULL) arena_remove_cleanup(child->parent, &child->in_parent);
    arena_set_parent(child, arena_of(parent));
    return MALLOW_OK;
}

/* ---- destructors and children ---- */

void arena_add_cleanup(struct arena *arena, struct arena_cleanup *cleanup) {
    cleanup->number = ++arena->cleanup_number;
    cleanup->newer = NULL;
    cleanup->older = arena->cleanups;
    if (cleanup->older != NULL) cleanup->older->newer = cleanup;
    arena->cleanups = cleanup;
}

void arena_remove_cleanup(struct arena *arena, struct arena_cleanup *cleanup) {
    if (cleanup->older != NULL) cleanup->older->newer = cleanup->newer;
    if (cleanup->newer != NULL)
        cleanup->newer->older = cleanup->older;
    else
        arena->cleanups = cleanup->older;
}

enum mallow_result mallow_arena_on_release(struct mallow_arena *arena, void (*destroy)(void *),
                                           void *object) {
    if (arena == NULL || destroy == NULL) return FAIL(MALLOW_BAD_ARGUMENT);
    struct arena_cleanup *cleanup = mallow_arena_alloc(arena, sizeof *cleanup);
    if (cleanup == NULL) return mallow_last_error().result;
    cleanup->run = destroy;
    cleanup->object = object;
    arena_add_cleanup(arena_of(arena), cleanup);
    return MALLOW_OK;
}

/* Runs all entries with numbers above `after`, newest first. Each entry leaves the list before it
 * runs, because it may use the arena. mallow_arena_destroy then removes a child's entry a second
 * time, which has no effect because the list has not changed since. */
static void arena_run_cleanups(struct arena *arena, uint64_t after) {
    while (arena->cleanups != NULL && arena->cleanups->number > after) {
        struct arena_cleanup *cleanup = arena->cleanups;
        arena_remove_cleanup(arena, cleanup);
        cleanup->run(cleanup->object);
    }
}

/* ---- chunks ---- */

static struct arena_chunk *arena_take_spare(struct arena *arena, size_t bytes) {
    for (struct arena_chunk **at = &arena->spare; *at != NULL; at = &(*at)->older) {
        struct arena_chunk *chunk = *at;
        if (chunk->bytes < bytes || chunk->bytes / 2 > bytes) continue;
        *at = chunk->older;
        arena->spare_bytes -= chunk->bytes;
        return chunk;
    }
    return NULL;
}

struct arena_chunk *arena_add_chunk(struct arena *arena, struct arena_chunk **list, size_t bytes,
                                    const char *function) {
    struct arena_chunk *chunk = arena_take_spare(arena, bytes);
    if (chunk == NULL) {
        chunk = chunk_take(CHUNK_ARENA, bytes, function);
        if (chunk == NULL) return NULL;
        chunk->bytes = bytes;
        arena->mapped_bytes += bytes;
    }
    chunk->number = ++arena->chunk_number;
    chunk->older = *list;
    *list = chunk;
    return chunk;
}

static void arena_drop_chunk(struct arena *arena, struct arena_chunk *chunk) {
    if (arena->hidden.at != NULL) watch_end(chunk + 1, chunk->bytes - sizeof *chunk);
    arena->spare_bytes += chunk->bytes;
    chunk->older = arena->spare;
    arena->spare = chunk;
}

static void arena_drop_chunks(struct arena *arena, struct arena_chunk **list, uint64_t after) {
    while (*list != NULL && (*list)->number > after) {
        struct arena_chunk *chunk = *list;
        *list = chunk->older;
        arena_drop_chunk(arena, chunk);
    }
}

/* Gives back spare chunks until at most `kept` bytes of them are left. Returns the number of bytes
 * that it gave back. */
static size_t arena_trim(struct arena *arena, size_t kept) {
    size_t before = arena->spare_bytes;
    while (arena->spare_bytes > kept) {
        struct arena_chunk *chunk = arena->spare;
        arena->spare = chunk->older;
        arena->spare_bytes -= chunk->bytes;
        arena->mapped_bytes -= chunk->bytes;
        chunk_give(CHUNK_ARENA, chunk, chunk->bytes);
    }
    return before - arena->spare_bytes;
}

size_t mallow_arena_trim(struct mallow_arena *arena) {
    return arena == NULL ? 0 : arena_trim(arena_of(arena), 0);
}

struct mallow_arena_amounts mallow_arena_usage(const struct mallow_arena *room) {
    if (room == NULL) return (struct mallow_arena_amounts){0, 0};
    struct arena *arena = arena_of((struct mallow_arena *)(uintptr_t)room);
    const struct mallow_arena *free = arena_room(arena);
    uint64_t unused = (size_t)(free->end - free->at);
    uint64_t space = NURSERY_BYTES - sizeof *arena;
    for (struct arena_chunk *chunk = arena->chunks; chunk != NULL; chunk = chunk->older) {
        unused += chunk->unused_before;
        space += chunk->bytes - sizeof *chunk;
    }
    for (struct arena_chunk *chunk = arena->large; chunk != NULL; chunk = chunk->older)
        space += chunk->bytes - sizeof *chunk;
    return (struct mallow_arena_amounts){space - unused, NURSERY_BYTES + arena->mapped_bytes};
}

/* ---- release ---- */

struct mallow_arena_position mallow_arena_mark(const struct mallow_arena *room) {
    if (room == NULL) return (struct mallow_arena_position){NULL, NULL, 0, 0};
    struct arena *arena = arena_of((struct mallow_arena *)(uintptr_t)room);
    const struct mallow_arena *free = arena_room(arena);
    return (struct mallow_arena_position){free->at, free->end, arena->chunk_number,
                                          arena->cleanup_number};
}

static void arena_release(struct arena *arena, struct mallow_arena_position mark) {
    int error = errno;
    arena_run_cleanups(arena, mark.cleanups);
    arena_drop_chunks(arena, &arena->large, mark.chunks);
    arena_drop_chunks(arena, &arena->chunks, mark.chunks);
    arena_room(arena)->at = mark.at;
    arena_room(arena)->end = mark.end;
    if (arena->hidden.at != NULL) {
        size_t bytes;
        void *pool = arena_pool(arena, &bytes);
        watch_free_from(pool, bytes, mark.at);
        arena->newest = NULL;
    }
    errno = error;
}

void mallow_arena_release(struct mallow_arena *arena, struct mallow_arena_position mark) {
    if (arena != NULL && mark.at != NULL) arena_release(arena_of(arena), mark);
}

/* Keeps twice the memory that was in use, because the arena probably needs as much again. A loop of
 * equal rounds therefore maps nothing. The memory of a peak is given back by the first reset after
 * a round that needs less than half of it. */
void mallow_arena_reset(struct mallow_arena *room) {
    if (room == NULL) return;
    struct arena *arena = arena_of(room);
    size_t used = arena->mapped_bytes - arena->spare_bytes;
    arena_destroy_threads(arena);
    arena_release(arena, (struct mallow_arena_position){arena_first_start(arena),
                                                        arena_first_end(arena), 0, 0});
    arena->next_bytes = CHUNK_BYTES;
    arena_trim(arena, 2 * used);
}

void mallow_arena_destroy(struct mallow_arena *room) {
    if (room == NULL) return;
    struct arena *arena = arena_of(room);
    int error = errno;
    if (arena->thread != 0) return mallow_arena_reset(room); /* ends with the common arena */
    if (arena->parent != NULL) arena_remove_cleanup(arena->parent, &arena->in_parent);
    mallow_arena_reset(room);
    mallow_arena_trim(room);
    if (arena->hidden.at != NULL) {
        watch_end(arena_first_start(arena), NURSERY_BYTES - sizeof *arena);
        watch_hide(arena, NURSERY_BYTES);
    }
    nursery_give(arena);
    errno = error;
}
