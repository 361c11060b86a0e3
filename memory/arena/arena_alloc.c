/* The slow path of allocation from an arena, and resizing. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "arena/arena.h"
#include "base/chunk.h"
#include "base/failure.h"
#include "base/watch.h"

#define NEXT_BYTES_MAX ((size_t)1 << 20)

/* Returns the address that a block would get in the room, or NULL if the block and the gap after it
 * do not fit. */
static char *arena_place(const struct mallow_arena *room, size_t size, size_t align, size_t gap) {
    uintptr_t at = (uintptr_t)room->at, end = (uintptr_t)room->end;
    size_t lead = -at & (align - 1);
    if (lead > end - at || size > end - at - lead || gap > end - at - lead - size) return NULL;
    return room->at + lead;
}

/* Moves `at` to `to`, rounded up to a multiple of 16: the inline function does not align blocks. */
static void arena_advance(struct mallow_arena *room, char *to) {
    size_t lead = -(uintptr_t)to & 15;
    room->at = lead > (size_t)(room->end - to) ? room->end : to + lead;
}

static char *arena_take(struct arena *arena, size_t size, size_t align) {
    struct mallow_arena *room = arena_room(arena);
    bool watched = arena->hidden.at != NULL;
    char *block = arena_place(room, size, align, watched ? WATCH_GAP : 0);
    if (block == NULL) return NULL;
    arena_advance(room, block + size + (watched ? WATCH_GAP : 0));
    if (watched) {
        size_t bytes;
        watch_alloc(arena_pool(arena, &bytes), block, size);
        arena->newest = block;
    }
    return block;
}

static void *arena_take_large(struct arena *arena, size_t bytes, size_t size, size_t align,
                              const char *function) {
    struct arena_chunk *chunk = arena_add_chunk(arena, &arena->large, bytes, function);
    if (chunk == NULL) return NULL;
    chunk->unused_before = 0;
    char *start = (char *)(chunk + 1);
    char *block = start + (-(uintptr_t)start & (align - 1));
    if (arena->hidden.at != NULL) {
        watch_begin(start, chunk->bytes - sizeof *chunk);
        watch_alloc(start, block, size);
    }
    return block;
}

static bool arena_next_chunk(struct arena *arena, const char *function) {
    struct mallow_arena *room = arena_room(arena);
    struct arena_chunk *chunk = arena_add_chunk(arena, &arena->chunks, arena->next_bytes, function);
    if (chunk == NULL) return false;
    chunk->unused_before = (size_t)(room->end - room->at);
    *room = (struct mallow_arena){(char *)(chunk + 1), (char *)chunk + chunk->bytes};
    if (arena->hidden.at != NULL) watch_begin(room->at, (size_t)(room->end - room->at));
    if (arena->next_bytes < NEXT_BYTES_MAX) arena->next_bytes *= 2;
    return true;
}

/* Gives a large block a chunk of its own, so that the rest of the current chunk remains available
 * for the next blocks. */
static void *arena_grow(struct arena *arena, size_t size, size_t align, const char *function) {
    size_t whole = size + align + WATCH_GAP + sizeof(struct arena_chunk); /* below 3 * 2^62 */
    if (whole > arena->next_bytes / 4) {
        size_t bytes = chunk_round(whole);
        return arena_take_large(arena, bytes, size, align, function);
    }
    return arena_next_chunk(arena, function) ? arena_take(arena, size, align) : NULL;
}

static void *arena_alloc_slow(struct mallow_arena *room, size_t size, size_t align,
                              const char *function) {
    struct mallow_error error = {.result = MALLOW_BAD_ARGUMENT, .function = function};
    if (room == NULL || align == 0 || (align & (align - 1)) != 0) return failure_set(error), NULL;
    if (size > PTRDIFF_MAX || align > PTRDIFF_MAX / 4) {
        error.result = MALLOW_TOO_LARGE;
        error.wanted = size;
        return failure_set(error), NULL;
    }
    struct arena *arena = arena_of(room);
    char *block = arena_take(arena, size, align);
    return block != NULL ? block : arena_grow(arena, size, align, function);
}

/* Tries what mallow_arena_alloc does inline. */
static inline void *arena_alloc(struct mallow_arena *room, size_t size, const char *function) {
    size_t rounded = (size + 15) & ~(size_t)15;
    if (room == NULL || rounded - 1 >= (size_t)(room->end - room->at))
        return arena_alloc_slow(room, size, 16, function);
    char *block = room->at;
    room->at = block + rounded;
    return block;
}

void *mallow_arena_alloc_aligned(struct mallow_arena *arena, size_t size, size_t align) {
    return arena_alloc_slow(arena, size, align, align == 16 ? "mallow_arena_alloc" : __func__);
}

void *mallow_arena_zalloc(struct mallow_arena *arena, size_t size) {
    void *block = arena_alloc(arena, size, __func__);
    return block == NULL ? NULL : memset(block, 0, size);
}

void *mallow_arena_array(struct mallow_arena *arena, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) bytes = SIZE_MAX;
    return arena_alloc(arena, bytes, __func__);
}

void *mallow_arena_memdup(struct mallow_arena *arena, const void *from, size_t size) {
    if (from == NULL && size != 0) return FAIL(MALLOW_BAD_ARGUMENT), NULL;
    void *block = arena_alloc(arena, size, __func__);
    return block == NULL || size == 0 ? block : memcpy(block, from, size);
}

/* ---- resizing ---- */

/* Returns true if nothing lies between the block and the free part. */
static bool arena_is_newest(const struct arena *arena, const char *block, size_t size) {
    if (arena->hidden.at != NULL) return block == arena->newest;
    return block + ((size + 15) & ~(size_t)15) == arena->room.at;
}

static bool arena_resize_newest(struct arena *arena, char *block, size_t old_size,
                                size_t new_size) {
    struct mallow_arena *room = arena_room(arena);
    size_t gap = arena->hidden.at != NULL ? WATCH_GAP : 0;
    if (!arena_is_newest(arena, block, old_size)) return false;
    if (new_size > (size_t)(room->end - block) || gap > (size_t)(room->end - block) - new_size)
        return false;
    arena_advance(room, block + new_size + gap);
    if (gap != 0) {
        size_t bytes;
        watch_resize(arena_pool(arena, &bytes), block, old_size, new_size);
    }
    return true;
}

/* Resizes the block in the newest large chunk. The block may use all of the chunk. */
static bool arena_resize_large(struct arena *arena, char *block, size_t old_size, size_t new_size) {
    struct arena_chunk *chunk = arena->large;
    if (chunk == NULL || block < (char *)chunk || block >= (char *)chunk + chunk->bytes)
        return false;
    /* While a tool watches, a block never reaches the end of its chunk: valgrind makes some bytes
     * after a block inaccessible, and after the chunk there may be memory of another owner. */
    size_t gap = arena->hidden.at != NULL ? WATCH_GAP : 0;
    if (new_size > (size_t)((char *)chunk + chunk->bytes - gap - block)) return false;
    if (arena->hidden.at != NULL) watch_resize(chunk + 1, block, old_size, new_size);
    return true;
}

static bool arena_resize_in_place(struct arena *arena, char *block, size_t old_size,
                                  size_t new_size) {
    return arena_resize_newest(arena, block, old_size, new_size) ||
           arena_resize_large(arena, block, old_size, new_size) || new_size <= old_size;
}

/* Copies a block to a new one. A large block gets room for 50% more bytes, so that steady growth
 * seldom copies. */
static void *arena_move(struct mallow_arena *room, const char *block, size_t old_size,
                        size_t new_size, const char *function) {
    size_t bytes = new_size;
    if (new_size >= CHUNK_BYTES / 4 && new_size <= PTRDIFF_MAX / 2) bytes += new_size / 2;
    char *moved = arena_alloc(room, bytes, function);
    if (moved == NULL) return NULL;
    if (bytes != new_size) arena_resize_in_place(arena_of(room), moved, bytes, new_size);
    return memcpy(moved, block, old_size);
}

void *mallow_arena_resize(struct mallow_arena *room, void *block, size_t old_size,
                          size_t new_size) {
    if (room == NULL || (block == NULL && old_size != 0)) return FAIL(MALLOW_BAD_ARGUMENT), NULL;
    if (block == NULL) return arena_alloc(room, new_size, __func__);
    if (arena_resize_in_place(arena_of(room), block, old_size, new_size)) return block;
    return arena_move(room, block, old_size, new_size, __func__);
}
