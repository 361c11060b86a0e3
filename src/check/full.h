/*
 * check=full: checked blocks for debugging. A block lies between redzones, and what is known of it
 * stands in a record beside the slot's state byte:
 *
 *     | left redzone | block | right redzone ... |
 *     ^ slot                                      ^ next slot
 *
 * Its slot is one that nobody can guess. A block of no bytes lies in an inaccessible slot, without
 * redzones.
 *
 * A freed one is filled and waits in the quarantine; before the slot is used again its content is
 * compared with what it was filled with.
 */
#ifndef MALLOW_FULL_H
#define MALLOW_FULL_H

#include <stdbool.h>

#include "check/record.h"
#include "heap/heap.h"
#include "heap/request.h"
#include "report/block.h"

/* Fresh and freed memory, when M_PERTURB does not say otherwise: as an address neither can be used.
 */
#define FILL_FRESH 0x2au
#define FILL_FREED 0xd5u
uint8_t full_fill_of_fresh(void);

/* The stack of the current call, in a slow path of the heap's thread; 0 if none is kept. `entry`
 * as in struct alloc_request. */
stack_id full_capture_stack(struct heap *heap, const void *entry);

/* A block in a slot; NULL when it is too large for one, or there is no memory. Of the heap's
 * thread, in a slow path. */
void *full_alloc(struct heap *heap, const struct alloc_request *request, stack_id stack);

/* Frees what p is said to be, a pointer into a slot that has a record; false when something was
 * wrong, which is reported, and the block is then as it was. heap NULL: there is none. */
bool full_free(struct heap *heap, const struct slot_ref *ref, void *p,
               const struct free_request *request, stack_id stack);

/* The record tells of the slot's last block, live or freed. */
bool full_is_known(const struct slot_ref *ref);

/* What is known of the slot's last block. */
void full_info(const struct slot_ref *ref, struct block_info *info);

/* Looks at the redzones of a live block, or at the content of one in quarantine; what was found is
 * reported. */
enum damage { DAMAGE_NONE, DAMAGE_HEAD, DAMAGE_TAIL, DAMAGE_FREED };
enum damage full_verify(const struct slot_ref *ref, const char *when);

/* The same, without a report. */
enum damage full_damage(const struct slot_ref *ref);

/* Gives slots in quarantine back to their slabs, when memory is short; false when none was held. */
bool full_relieve(struct heap *heap);

#endif
