/*
 * check=full: checked blocks for debugging. A block lies between redzones in a slot, and a record
 * in the allocator's own memory describes it (record.h):
 *
 *     | left redzone | block | right redzone ... |
 *     ^ slot                                      ^ next slot
 *
 * Slots that come from a slab are chosen at random. A block of no bytes lies in an inaccessible
 * slot, without redzones.
 *
 * The slot of a freed block is filled with a byte value and waits in the quarantine (quarantine.h).
 * Before it is used again, its content is compared with that value.
 */
#ifndef MALLOW_FULL_H
#define MALLOW_FULL_H

#include <stdbool.h>

#include "check/record.h"
#include "heap/heap.h"
#include "heap/request.h"
#include "report/block.h"

/* The values of bytes in fresh and freed memory, unless M_PERTURB sets others. A pointer that
 * consists of either value is not a valid address. */
#define FILL_FRESH 0x2au
#define FILL_FREED 0xd5u
uint8_t full_fill_of_fresh(void);

/* Returns the stack of the current call; 0 if stacks are not kept. See struct alloc_request for
 * `entry`. Called by the heap's thread in a slow path. */
stack_id full_capture_stack(struct heap *heap, const void *entry);

/* Allocates a block in a slot. Returns NULL if it is too large for one, or if there is no memory.
 * Called by the heap's thread in a slow path. */
void *full_alloc(struct heap *heap, const struct alloc_request *request, stack_id stack);

/* Frees the live block that begins at p, a pointer into the slot `ref`, which has a record. If no
 * live block begins there, reports that, changes nothing and returns false. `heap` is the calling
 * thread's heap, or NULL if it has none. */
bool full_free(struct heap *heap, const struct slot_ref *ref, void *p,
               const struct free_request *request, stack_id stack);

/* Returns true if the slot has a record of its last block, live or freed. */
bool full_is_known(const struct slot_ref *ref);

/* Describes the last block of the slot. */
void full_info(const struct slot_ref *ref, struct block_info *info);

/* Checks the redzones of a live block, or the content of a slot in quarantine. Reports and returns
 * the damage. `when` is the part of the report that says how it was found. */
enum damage { DAMAGE_NONE, DAMAGE_HEAD, DAMAGE_TAIL, DAMAGE_FREED };
enum damage full_verify(const struct slot_ref *ref, const char *when);

/* Does the same without a report. */
enum damage full_damage(const struct slot_ref *ref);

/* Gives all slots in the heap's quarantine back to their slabs, when memory is short. Returns false
 * if there were none. */
bool full_relieve(struct heap *heap);

#endif
