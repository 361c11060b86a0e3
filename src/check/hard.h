/*
 * check=hard: checked blocks for production. A block begins at its slot's start. The slot ends with
 * a word of eight bytes, which is keyed by a secret and by the slot's address. It holds the number
 * of bytes that the block leaves unused, which is at least eight:
 *
 *     | block | unused | word |
 *     ^ slot                   ^ next slot
 *
 * An overflow, even by one byte, is found when the block is freed. A write of up to 16 bytes before
 * a block is found when the slot before it is next checked. A word that was copied from another
 * slot does not match. The word also gives the requested size. A block of no bytes lies in an
 * inaccessible slot. A freed slot is zeroed and waits in a ring of its class and thread until at
 * least HARD_DELAY other slots were freed; it must still be zero then. A large slot first waits in
 * a queue with those of other classes (hard_queue.h) and enters its ring after that. Slots come
 * from their slabs in an order that cannot be guessed, and memory of one class never serves
 * another.
 *
 *     ring    [ ... | fresh from slabs | oldest freed | ... | newest freed | ... ]
 *                     head                                    tail - 1
 *
 * Allocation takes slots at the head while there are more than HARD_DELAY; freeing appends at the
 * tail. Neither enters the heap (heap.h): an entry is complete before `tail` covers it, and is read
 * before `head` passes it, so a signal handler that jumps away in between loses at most one slot.
 */
#ifndef MALLOW_HARD_H
#define MALLOW_HARD_H

#include <stdbool.h>
#include <stddef.h>

#include "check/record.h"
#include "heap/heap.h"
#include "heap/request.h"
#include "report/block.h"

/* Allocates a zeroed block in a slot. Returns NULL if the block is too large for a slot or there is
 * no memory. */
void *hard_alloc(size_t size, size_t align);

/* The operations malloc and free of the mode (heap/mode.h). They try the ring first and then take
 * the slow path. */
void *hard_malloc(size_t size, const struct magazine_entry *sentinel);
void *hard_malloc_slow(size_t size);
void hard_free_any(void *p, enum family family);

/* Frees a block in a slot, and reports damage to it. Does nothing and returns false if p is not
 * such a block. */
bool hard_free(void *p);

/* Like hard_free, but first compares size and alignment in the request with the block. */
bool hard_free_checked(void *p, const struct free_request *request);

/* Returns true if a live block of check=hard begins at p, and sets *ref to its slot. */
bool hard_find(void *p, struct slot_ref *ref);

/* Returns the requested size of that block, in bytes. */
size_t hard_size(const struct slot_ref *ref);

/* Resizes the block in place. Returns false if it must move. */
bool hard_resize(const struct slot_ref *ref, size_t size);

#endif
