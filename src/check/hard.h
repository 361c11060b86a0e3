/*
 * check=hard: checked blocks for production. A block lies at its slot's start; the slot's last
 * eight bytes are a word that is keyed by a secret and by the slot's address, and holds how much of
 * the slot the block leaves unused, which is eight bytes at least:
 *
 *     | block | unused | word |
 *     ^ slot                   ^ next slot
 *
 * So an overflow is found when the block is freed, even by one byte, and so is a write of up to 16
 * bytes before a block, when that slot is next looked at; a word from elsewhere does not fit; and
 * the size that was asked for is known. A block of no bytes lies in an inaccessible slot. A freed
 * slot is zeroed and waits in a ring of its class and thread until at least HARD_DELAY others were
 * freed; it must still be zero then. Slots come from their slabs in an order that nobody can guess,
 * and no memory of one class ever serves another.
 *
 *     ring    [ ... | fresh from slabs | oldest freed | ... | newest freed | ... ]
 *                     head                                    tail - 1
 *
 * Allocation takes at the head, as long as more than HARD_DELAY are there, freeing puts at the
 * tail. Both do it without entering the heap (heap.h): an entry is complete before `tail` covers
 * it, and is read before `head` passes it, so who jumps away in between loses a slot at most.
 */
#ifndef MALLOW_HARD_H
#define MALLOW_HARD_H

#include <stdbool.h>
#include <stddef.h>

#include "check/record.h"
#include "heap/heap.h"
#include "heap/request.h"
#include "report/block.h"

/* A block in a slot, zeroed; NULL when it is too large for one, or there is no memory. */
void *hard_alloc(size_t size, size_t align);

/* malloc and free as struct mode has them (heap/mode.h): they try what needs no slow path first. */
void *hard_malloc(size_t size);
void *hard_malloc_slow(size_t size);
void hard_free_any(void *p, enum family family);

/* Frees a block in a slot; false when p is none, and nothing was done or said. What is wrong with
 * the block is reported. */
bool hard_free(void *p);

/* The same, and what is told of the block is looked at. */
bool hard_free_checked(void *p, const struct free_request *how);

/* Whether a block of check=hard begins at p, and what was asked for. */
bool hard_find(void *p, struct place *place);
size_t hard_size(const struct place *place);

/* Resizes it where it is; false when it must move. */
bool hard_resize(const struct place *place, size_t size);

#endif
