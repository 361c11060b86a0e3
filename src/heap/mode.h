/*
 * A mode is how the interface allocates and frees when the fast path does not. The heap calls the
 * current mode as the last thing that it does, and knows none of them.
 *
 * Modes lie on each other: what one does not serve goes to the one below it. The last is the plain
 * mode, which serves everything. process/modes.c puts them together:
 *
 *     calls that observers see        check/observed.c
 *     guarded blocks, one in N        check/guarded.c
 *     check=full, or check=hard       check/full_mode.c, check/hard_mode.c
 *     guarded blocks, all large ones  check/guarded.c
 *     filled blocks                   check/filled.c
 *     plain blocks                    check/plain.c
 */
#ifndef MALLOW_MODE_H
#define MALLOW_MODE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/atomics.h"
#include "base/compiler.h"
#include "heap/request.h"

struct heap;

struct mode {
    /* malloc and free, as the last thing that a function of the interface does: the return address
     * is the program's. mode_malloc and mode_free do for modes without anything faster. */
    void *(*malloc)(size_t size);
    void (*free)(void *p, enum family family);

    /* Allocates; NULL and ENOMEM when there is no memory. */
    void *(*alloc)(const struct alloc_request *request);

    /* Frees p, which is not NULL. */
    void (*free_request)(void *p, const struct free_request *request);

    /* realloc of p, which is not NULL, to `size` bytes, which are not 0. */
    void *(*resize)(void *p, size_t size, const void *caller);

    /* Resizes p, a live block of `before` bytes, without copying it. Returns its address, which is
     * another one only if `may_move`; NULL if it must be copied. */
    void *(*resize_in_place)(void *p, size_t before, size_t size, bool may_move);

    /* The size of a live block that find_block does not know; false if it is none of this mode's.
     * NULL: there are no such blocks. */
    bool (*usable_size)(const void *p, size_t *usable);

    /* Gives back what the mode keeps in the heap, when memory is short; false if there was nothing.
     * NULL: it keeps nothing. */
    bool (*relieve)(struct heap *heap);

    const struct mode *below; /* NULL: the plain mode */
};

/* The topmost mode. Other threads may change it at any time. */
extern const struct mode *mode_topmost;

/* Which calls must reach the mode. */
enum mode_sees {
    MODE_SEES_REST,    /* those that the fast path leaves over */
    MODE_SEES_SAMPLES, /* one in some: magazines are short */
    MODE_SEES_ALL,     /* magazines hold nothing */
};
extern enum mode_sees mode_sees;

ALWAYS_INLINE const struct mode *mode_now(void) {
    return racy_load(const struct mode *, &mode_topmost);
}

ALWAYS_INLINE const struct mode *mode_below(const struct mode *mode) {
    return racy_load(const struct mode *, &mode->below);
}

/* True while no option asks for anything but plain blocks. */
ALWAYS_INLINE bool mode_is_plain(void) { return likely(mode_below(mode_now()) == NULL); }

void *mode_malloc(size_t size);
void mode_free(void *p, enum family family);

/* Frees p, which may be NULL, and whose caller says more of it than where it is. */
void mode_free_request(void *p, const struct free_request *request);

/* The size of p, if it is a live block of any mode; see usable_size and relieve above. */
bool mode_usable_size(const void *p, size_t *usable);
bool mode_relieve(struct heap *heap);

#endif
