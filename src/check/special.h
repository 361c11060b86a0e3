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

#endif
