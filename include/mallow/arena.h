/*
 * Arenas: many blocks with one lifetime.
 *
 *     struct mallow_arena *arena = mallow_arena_create(NULL);
 *     struct node *node = mallow_arena_alloc(arena, sizeof *node);
 *     ...
 *     mallow_arena_destroy(arena);
 *
 * Blocks are taken from larger chunks of memory, and never move. A block is freed together with all
 * newer blocks (mallow_arena_release), with all blocks (mallow_arena_reset), or with the arena.
 *
 * Unless a function says otherwise, it returns NULL and sets errno if it fails: EINVAL for an
 * invalid argument, EOVERFLOW for a size that no object can have, and ENOMEM if there is no memory.
 * mallow_last_error() then has the details (mallow/result.h). Blocks of 0 bytes have an address
 * that must not be accessed. Blocks are aligned to 16 bytes unless a function says otherwise, and
 * their content is unspecified.
 *
 * An arena is used by one thread at a time. mallow_arena_for_thread() gives each thread an arena of
 * its own with the lifetime of a common one. No function is async-signal-safe.
 *
 * Under AddressSanitizer and valgrind, the arena informs the tool about each block. The tool then
 * reports accesses before, between and after blocks, and to freed blocks.
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

/* The free part of the current chunk. Only the inline functions use the members. */
struct mallow_arena {
    char *at, *end;
};

/* ---- arenas ---- */

/* Creates an arena, which takes no memory from malloc. If `parent` is not NULL, the arena becomes
 * its child. A child is destroyed when its parent is destroyed, reset, or released to a mark that
 * is older than the child. A parent may have any number of children. Children may have children. */
struct mallow_arena *mallow_arena_create(struct mallow_arena *parent);

/* Destroys the arena's children, runs its destructors, newest first, and gives its memory back. A
 * few chunks stay mapped for later arenas. Does nothing if arena is NULL. Keeps errno. */
void mallow_arena_destroy(struct mallow_arena *arena);

/* Frees everything that mallow_arena_destroy frees, but keeps the arena. For its next blocks, the
 * arena keeps at most twice the memory that the freed blocks took. Keeps errno. */
void mallow_arena_reset(struct mallow_arena *arena);

/* Gives back the memory that the arena keeps for its next blocks. Returns the number of bytes. */
size_t mallow_arena_trim(struct mallow_arena *arena);

/* Makes the arena the newest child of another parent, or an arena without a parent if `parent` is
 * NULL. Returns MALLOW_BAD_ARGUMENT if arena is NULL, or if the parent is the arena itself or one
 * of its descendants. */
enum mallow_result mallow_arena_move(struct mallow_arena *arena, struct mallow_arena *parent);

struct mallow_arena_amounts {
    uint64_t used;   /* bytes of blocks, including the padding between them */
    uint64_t mapped; /* bytes of memory that the arena has, excluding its children */
};
struct mallow_arena_amounts mallow_arena_usage(const struct mallow_arena *arena);

/* ---- blocks ---- */

/* Allocates with any alignment that is a power of two, including 1. */
void *mallow_arena_alloc_aligned(struct mallow_arena *arena, size_t size, size_t align);

/* Allocates a block. */
static inline void *mallow_arena_alloc(struct mallow_arena *arena, size_t size) {
    /* If size is 0 or close to SIZE_MAX, `rounded` is 0, and `rounded - 1` is SIZE_MAX. This
     * exceeds the free part, so the general function handles it. */
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

/* Copy a string, or at most `length` bytes of it, and end the copy with a null byte. The copy is
 * not aligned, so that it needs no padding. */
char *mallow_arena_strdup(struct mallow_arena *arena, const char *text);
char *mallow_arena_strndup(struct mallow_arena *arena, const char *text, size_t length);

/* Format a text as printf(3) does, into a block that is not aligned. Fail with EINVAL if the format
 * or an argument cannot be converted. */
char *mallow_arena_printf(struct mallow_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
char *mallow_arena_vprintf(struct mallow_arena *arena, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* Resizes a block of `old_size` bytes. Returns the same address if the block shrinks, or if it is
 * the newest one and its chunk has room. Otherwise copies it to a new block; the old block is then
 * unused, but not free. Acts like mallow_arena_alloc if block is NULL. A block that grows counts as
 * new, so a release to an older mark frees it. This function suits an object whose final size is
 * not known in advance. */
void *mallow_arena_resize(struct mallow_arena *arena, void *block, size_t old_size,
                          size_t new_size);

/* ---- lifetimes within an arena ---- */

/* A point in the life of an arena. Its members are private. */
struct mallow_arena_position {
    char *at, *end;
    uint64_t chunks, cleanups;
};

struct mallow_arena_position mallow_arena_mark(const struct mallow_arena *arena);

/* Frees everything that is newer than the mark: destroys the newer children, runs the newer
 * destructors, newest first, and frees the newer blocks. The children of mallow_arena_for_thread
 * stay. Newer marks become invalid; the mark itself stays valid. Keeps errno. */
void mallow_arena_release(struct mallow_arena *arena, struct mallow_arena_position mark);

/* Registers a destructor: `destroy` is called with `object` when the arena is destroyed, reset, or
 * released to a mark that is older than this call. Destructors and children have one common order:
 * the newest ends first. A destructor may allocate from the arena. Returns MALLOW_BAD_ARGUMENT if
 * arena or destroy is NULL. If this function fails, nothing is registered. */
enum mallow_result mallow_arena_on_release(struct mallow_arena *arena, void (*destroy)(void *),
                                           void *object);

/* Returns the calling thread's own child of the arena. The thread's first call creates the child.
 * Other threads must not use it. It outlives the thread, and is destroyed when the arena is
 * destroyed or reset, before all destructors run; mallow_arena_destroy only resets it, and
 * mallow_arena_move refuses it. Several threads may call this for one arena at the same time, but
 * only one thread at a time may call any other function on that arena. */
struct mallow_arena *mallow_arena_for_thread(struct mallow_arena *arena);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
