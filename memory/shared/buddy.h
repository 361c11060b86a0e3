/*
 * The buddy system: the algorithm on the states and the index of an image (image.h), without locks
 * and system calls.
 *
 * The units are covered by blocks. The state of a block's first unit, its head, says whether it is
 * free or used, and its order. No other unit has the state of a head. A free block of order k at
 * position p and its buddy, which is at p ^ (1 << k), can merge to a block of order k + 1.
 *
 * A used block also stores the size that was requested. A block of order 0 has it in its head.
 * A larger block stores the number of bytes that are not requested, at most 1 << (order + 3), in
 * the states after its head, 6 bits in each, lowest first.
 *
 * Steps
 *
 * Every change is a step. After a process is killed, the step is done completely or not at all:
 *
 * 1. Prepare. Write a description of the step, and the amounts after it, to the one of the two
 *    records in the header that is not current.
 * 2. Commit. Make this record the current one, and pending, by one store to `commit`.
 * 3. Apply. Store the states, the index and the handles that the step changes.
 * 4. End. Store to `commit` that the record is no longer pending.
 *
 * Proof that a kill at any instruction is repaired. The stores happen in the order of the program
 * (store.h), so there are four cases.
 * - Before the store of 2: only the other record changed, and it has no meaning.
 * - After it and before that of 4: buddy_repair does 3 and 4 again. All of 3 is a function of the
 *   record: which states, bits and handles are stored, and with which values, except that a word of
 *   the index also has bits of other positions. So any number of partial applications followed by a
 *   complete one store the same as one. The index is exact before the step, and a bit of a level
 *   above is wrong only if it leads to a bit that the step changes. The repair computes all of
 * these again (`thorough`), from the lowest level up.
 * - After the store of 4: nothing is left to do.
 * - Inside buddy_repair: it does only what is described here, so the next repair has the same
 * cases.
 *
 * A step may have a successor, which frees a block (`then_free`). It is prepared while the first is
 * pending, in the other record, and its commit ends the first. If a process is killed in between,
 * the repair applies the first step again, which changes nothing, and prepares the successor again.
 * Its description depends only on the states and the amounts, so it is the same.
 *
 * The repair takes a bounded number of stores: 2 states and at most 8 words for each order.
 *
 * Merging
 *
 * A block that is freed merges with its buddy as often as possible, with one exception: some pairs
 * of free buddies of each order may stay, at most in a 32nd of the heap. A program that frees and
 * allocates blocks of a size in turn therefore does not merge and split them each time.
 * buddy_merge_all merges these pairs. It runs before an allocation fails. `unmerged` in the header
 * is at least their number: it is increased before a pair is left, and decreased after a block of a
 * pair is allocated.
 *
 * All positions and amounts are in units, except where bytes are mentioned.
 */
#ifndef MALLOW_BUDDY_H
#define MALLOW_BUDDY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/bits.h"
#include "shared/image.h"

struct buddy {
    struct image_header *header; /* the image */
    unsigned char *states;
    struct bits bits;
};

/* Offsets of handles in the image to store in the same step, and their new values. */
struct buddy_stores {
    uint64_t place[2], value[2];
};

/* Sets up the view of an image in memory. */
void buddy_view(struct buddy *buddy, void *image, uint64_t maximum);

/* Returns the offset of the units in an image of a heap of at most `maximum` units. */
uint64_t buddy_units_at(uint64_t maximum);

/* Returns the current record, which has the amounts. */
static inline const struct image_step *buddy_now(const struct buddy *buddy) {
    return &buddy->header->step[buddy->header->commit & 1];
}

/* Returns a number that is different after each change, or 0 during one. */
static inline uint64_t buddy_version(const struct buddy *buddy) {
    uint64_t commit = __atomic_load_n(&buddy->header->commit, __ATOMIC_ACQUIRE);
    if ((commit & STEP_PENDING) != 0) return 0;
    return __atomic_load_n(&buddy->header->step[commit & 1].number, __ATOMIC_ACQUIRE) + 1;
}

/* Returns the order of the smallest block for `size` bytes, at most 2^62. */
static inline unsigned buddy_order(size_t size) {
    return size <= IMAGE_UNIT ? 0 : (60 - (unsigned)__builtin_clzll((uint64_t)size - 1)) & 63;
}

/* Finds a free block of at least the order. Returns its position and stores its order, or returns
 * NO_UNIT if there is none. */
uint64_t buddy_find(const struct buddy *buddy, unsigned order, unsigned *found_order);

/* Allocates a block of `size` bytes at the start of a free block of the order `found_order`. */
void buddy_take(struct buddy *buddy, uint64_t position, unsigned found_order, size_t size,
                const struct buddy_stores *stores);

/* Allocates a block like buddy_take, and frees the used block `old` in the next step. */
void buddy_replace(struct buddy *buddy, uint64_t position, unsigned found_order, size_t size,
                   const struct buddy_stores *stores, uint64_t old);

/* Frees a used block. */
void buddy_give(struct buddy *buddy, uint64_t position, const struct buddy_stores *stores);

/* Changes the size of a used block to `size` bytes. Returns false if the block has to move.
 */
bool buddy_resize(struct buddy *buddy, uint64_t position, size_t size);

/* Stores handles only. */
void buddy_store(struct buddy *buddy, const struct buddy_stores *stores);

/* Adds free units, until the heap has `units` units. */
void buddy_extend(struct buddy *buddy, uint64_t units);

void buddy_merge_all(struct buddy *buddy);

/* Returns the size of a used block, in bytes. */
size_t buddy_size(const struct buddy *buddy, uint64_t position);

/* Returns MALLOW_OK if a used block starts at the position, MALLOW_NOT_A_BLOCK if the position is
 * inside a used block, MALLOW_ALREADY_FREE if it is in a free block, and MALLOW_DAMAGED if the
 * states are invalid. */
enum mallow_result buddy_locate(const struct buddy *buddy, uint64_t position);

/* Returns the position of the used block that contains the position, or NO_UNIT. */
uint64_t buddy_start(const struct buddy *buddy, uint64_t position);

/* Completes the step that a killed process left, if any. Returns false and changes nothing if the
 * record is invalid. */
bool buddy_repair(struct buddy *buddy);

#endif
