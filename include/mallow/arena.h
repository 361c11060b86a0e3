/*
 * Arenas: many blocks with one lifetime.
 *
 *     struct mallow_arena *arena = mallow_arena_create(NULL);
 *     struct node *node = mallow_arena_alloc(arena, sizeof *node);
 *     ...
 *     mallow_arena_destroy(arena);
 *
 * A block is taken from the front of a chunk of memory, and never moves. It is freed together with
 * all newer blocks (mallow_arena_release), with all blocks (mallow_arena_reset), or with the arena.
 *
 * Unless a function says otherwise, it returns NULL and sets errno if it fails: EINVAL for an
 * argument without meaning, EOVERFLOW for a size that no object can have, and ENOMEM if there is no
 * memory. mallow_last_error() then has the details (mallow/result.h). Blocks of 0 bytes have an
 * address that must not be accessed. Blocks are aligned to 16 bytes unless a function says
 * otherwise, and their content is unspecified.
 *
 * An arena is used by one thread at a time. mallow_arena_for_thread() gives each thread an arena of
 * its own with the lifetime of a common one. No function is async-signal-safe.
 *
 * Under AddressSanitizer and valgrind each block is described to the tool, so an access before,
 * between or after blocks, or to a freed block, is reported.
 */
#ifndef MALLOW_ARENA_H
#define MALLOW_ARENA_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <mallow/result.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* The free part of the current chunk, for the inline functions. Programs do not use it. */
struct mallow_arena {
    char *at, *end;
};

/* ---- arenas ---- */

/* Creates an arena, which takes no memory from malloc. If `parent` is not NULL, the arena ends with
 * it at the latest: when the parent is destroyed or reset, or released to an earlier mark. A parent
 * may have any number of children, and these may have children too. */
struct mallow_arena *mallow_arena_create(struct mallow_arena *parent);

/* Destroys the arena's children, runs its destructors, newest first, and unmaps its memory. Does
 * nothing if arena is NULL. Keeps errno. */
void mallow_arena_destroy(struct mallow_arena *arena);

/* Frees all blocks as mallow_arena_destroy does, but keeps the arena, and for its next blocks at
 * most twice the memory that the freed ones took. Keeps errno. */
void mallow_arena_reset(struct mallow_arena *arena);

/* Unmaps the memory that the arena keeps for its next blocks. Returns the number of bytes. */
size_t mallow_arena_trim(struct mallow_arena *arena);

/* Makes the arena a child of another parent, or of none if `parent` is NULL. Returns
 * MALLOW_BAD_ARGUMENT if arena is NULL, or if the parent is the arena or one of its descendants. */
enum mallow_result mallow_arena_move(struct mallow_arena *arena, struct mallow_arena *parent);

struct mallow_arena_amounts {
    uint64_t used;   /* bytes of blocks, with the padding between them */
    uint64_t mapped; /* bytes of memory that the arena has, without its children */
};
struct mallow_arena_amounts mallow_arena_usage(const struct mallow_arena *arena);

/* ---- blocks ---- */

/* Allocates with any alignment that is a power of two, 1 included. */
void *mallow_arena_alloc_aligned(struct mallow_arena *arena, size_t size, size_t align);

/* Allocates a block. */
static inline void *mallow_arena_alloc(struct mallow_arena *arena, size_t size) {
    /* The rounded size is 0 if size is 0 or close to SIZE_MAX, and then 0 - 1 is too large. */
    size_t rounded = (size + 15) & ~(size_t)15;
    if (__builtin_expect(arena == NULL, 0)) return mallow_arena_alloc_aligned(arena, size, 16);
    char *block = arena->at;
    if (__builtin_expect(rounded - 1 >= (size_t)(arena->end - block), 0))
        return mallow_arena_alloc_aligned(arena, size, 16);
    arena->at = block + rounded;
    return block;
}

/* Allocates a block that reads as zero. */
void *mallow_arena_zalloc(struct mallow_arena *arena, size_t size);

/* Allocates `count` times `size` bytes. Fails with EOVERFLOW if the product overflows. */
void *mallow_arena_array(struct mallow_arena *arena, size_t count, size_t size);

/* Copies `size` bytes into a new block. */
void *mallow_arena_memdup(struct mallow_arena *arena, const void *from, size_t size);

/* Copy a string, or at most `length` bytes of it, and end the copy with a null byte. The copies are
 * not aligned, so that they take only their own bytes. */
char *mallow_arena_strdup(struct mallow_arena *arena, const char *text);
char *mallow_arena_strndup(struct mallow_arena *arena, const char *text, size_t length);

/* Format a text as printf(3) does, into a block that is not aligned. Fail with EINVAL if the format
 * or an argument cannot be converted. */
char *mallow_arena_printf(struct mallow_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
char *mallow_arena_vprintf(struct mallow_arena *arena, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* Resizes a block of `old_size` bytes. Returns the same address if the block shrinks, or if it is
 * the newest one and its chunk has room; otherwise copies it to a new block, and the old one stays
 * unused. Acts like mallow_arena_alloc if block is NULL. This grows an object whose size is not
 * known at first. */
void *mallow_arena_resize(struct mallow_arena *arena, void *block, size_t old_size,
                          size_t new_size);

/* ---- lifetimes within an arena ---- */

/* A point in the life of an arena. Its members are private. */
struct mallow_arena_position {
    char *at, *end;
    uint64_t chunks, cleanups;
};

struct mallow_arena_position mallow_arena_mark(const struct mallow_arena *arena);

/* Frees what was allocated after the mark: destroys the newer children, runs the newer destructors,
 * newest first, and makes the blocks free. Newer marks become invalid; the mark itself stays valid.
 * Keeps errno. */
void mallow_arena_release(struct mallow_arena *arena, struct mallow_arena_position mark);

/* Calls `destroy` with `object` when the blocks that the arena has now are freed. Destructors run
 * in the reverse order of their registration, among the children, which end in the reverse order of
 * their creation. A destructor may allocate from the arena. Returns MALLOW_BAD_ARGUMENT or a result
 * for missing memory; then nothing is registered. */
enum mallow_result mallow_arena_on_release(struct mallow_arena *arena, void (*destroy)(void *),
                                           void *object);

/* Returns the calling thread's own child of the arena, which it creates the first time, and which
 * other threads must not use. It ends with the arena, not with the thread. Several threads may call
 * this for one arena at the same time; other functions on that arena need the usual care. */
struct mallow_arena *mallow_arena_for_thread(struct mallow_arena *arena);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
