/*
 * A mode serves the calls that the fast path does not. The heap does not know the individual modes:
 * it calls the current one through this table, in tail position.
 *
 * Modes form a stack. A mode passes what it does not serve to the mode below it. At the bottom is
 * the plain mode, which serves everything. process/modes.c has the table of all modes and puts the
 * stack together.
 */
#ifndef MALLOW_MODE_H
#define MALLOW_MODE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/atomics.h"
#include "base/compiler.h"
#include "heap/request.h"

struct heap;
struct magazine_entry;

struct mode {
    /* malloc and free. A function of the interface calls them in tail position, so the return
     * address is in the program. mode_malloc and mode_free serve modes that have nothing faster.
     * `sentinel` is that of the empty magazine for the size, which only the counting path uses. */
    void *(*malloc)(size_t size, const struct magazine_entry *sentinel);
    void (*free)(void *p, enum family family);

    /* Allocates. Returns NULL and sets errno to ENOMEM if there is no memory. */
    void *(*alloc)(const struct alloc_request *request);

    /* Frees p, which is not NULL. */
    void (*free_request)(void *p, const struct free_request *request);

    /* Resizes p, which is not NULL, to `size` bytes, which are not 0, like realloc. */
    void *(*resize)(void *p, size_t size, const void *caller);

    /* Resizes p, a live block of `before` bytes, without copying it. Returns its address, which
     * changes only if `may_move`. Returns NULL if the block must be copied. */
    void *(*resize_in_place)(void *p, size_t before, size_t size, bool may_move);

    /* Stores the size of a live block that find_block does not know. Returns false if it is not a
     * block of this mode. NULL: the mode has no such blocks. */
    bool (*usable_size)(const void *p, size_t *usable);

    /* Gives back what the mode keeps in the heap, when memory is short. Returns false if that is
     * nothing. NULL: the mode keeps nothing. */
    bool (*relieve)(struct heap *heap);

    const struct mode *below; /* NULL: the plain mode */
};

/* The topmost mode. Other threads may change it at any time. */
extern const struct mode *mode_topmost;

/* Which calls must reach the topmost mode. */
enum mode_sees {
    MODE_SEES_REST,    /* those that the fast path does not serve */
    MODE_SEES_COUNTED, /* also all allocations: the fast path finds no slots (heap.h, `cached`) */
    MODE_SEES_ALL,     /* all calls: magazines hold nothing */
};
extern enum mode_sees mode_sees;

ALWAYS_INLINE bool mode_sees_all(void) {
    return unlikely(racy_load(enum mode_sees, &mode_sees) == MODE_SEES_ALL);
}

ALWAYS_INLINE const struct mode *mode_now(void) {
    return racy_load(const struct mode *, &mode_topmost);
}

ALWAYS_INLINE const struct mode *mode_below(const struct mode *mode) {
    return racy_load(const struct mode *, &mode->below);
}

/* Returns true if the plain mode is the only one. */
ALWAYS_INLINE bool mode_is_plain(void) { return likely(mode_below(mode_now()) == NULL); }

/* Implement malloc and free by `alloc` and `free_request` of the topmost mode. */
void *mode_malloc(size_t size, const struct magazine_entry *sentinel);
void mode_free(void *p, enum family family);

/* Frees p, which may be NULL, with what the caller states about the block. */
void mode_free_request(void *p, const struct free_request *request);

/* Ask each mode in turn; see usable_size and relieve above. */
bool mode_usable_size(const void *p, size_t *usable);
bool mode_relieve(struct heap *heap);

#endif
