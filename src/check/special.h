/*
 * What the slow paths do besides, when somebody asked for it: checks, guards, fill, counts, traces.
 * While any of these is on, but sampled guards alone, magazines hold nothing, so each call of the
 * interface comes here; while all are off nothing does, and the fast path does not know of them.
 */
#ifndef MALLOW_SPECIAL_H
#define MALLOW_SPECIAL_H

#include <stdbool.h>
#include <stddef.h>

#include "check/block_info.h"
#include "heap/ask.h"
#include "process/settings.h"

/* Bits of settings.special. */
enum {
    SPECIAL_FULL = 1 << 0,     /* check=full: full.h */
    SPECIAL_HARD = 1 << 1,     /* check=hard: hard.h */
    SPECIAL_FILL = 1 << 2,     /* M_PERTURB */
    SPECIAL_ZERO = 1 << 3,     /* zero_on_free */
    SPECIAL_COUNT = 1 << 4,    /* exact counts of calls */
    SPECIAL_TRACE = 1 << 5,    /* mtrace(3) */
    SPECIAL_GUARD = 1 << 6,    /* guarded blocks, every one or sampled */
    SPECIAL_SAMPLE = 1 << 7,   /* guards are sampled: alone, magazines stay in use */
    SPECIAL_PEDANTIC = 1 << 8, /* mcheck_pedantic(3) */
};

/* Their blocks can be had with the lock alone: no signal may interrupt its holder. */
#define SPECIAL_NEEDS_LOCK (SPECIAL_FULL | SPECIAL_HARD | SPECIAL_GUARD | SPECIAL_SAMPLE)

/* Whether the fast path serves: nobody looks at each call. */
static inline bool special_leaves_magazines(void) {
    return settings.special == 0 || settings.special == (SPECIAL_GUARD | SPECIAL_SAMPLE);
}

/* Fresh and freed memory in check=full, when M_PERTURB does not say otherwise: as an address
 * neither can be used. */
#define FILL_FRESH 0x2au
#define FILL_FREED 0xd5u

/* As malloc and its relatives; NULL and errno ENOMEM when there is no memory. */
void *special_alloc(const struct ask *ask);

void special_free(void *p, const struct release *how);

/* size is not 0. */
void *special_resize(void *p, size_t size, const void *caller);

/* realloc(NULL, size). */
void *special_new_by_resize(size_t size, const void *caller);

/* The size of a live block that the plain paths do not know; false when it is none. */
bool special_usable_size(const void *p, size_t *usable);

/* Of the calling thread, without a system call. */
int thread_id(void);
void thread_id_after_fork(void);

#endif
