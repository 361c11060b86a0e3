#include "heap/sampled.h"

#include "base/atomics.h"
#include "base/compiler.h"

/* True once a block without a slot was sampled. Only then must a free of such a block look for its
 * sample. */
static UNTOUCHED bool sampled_large;

static bool sampled_change(_Atomic uint8_t *state, enum slot_state from, enum slot_state to) {
    uint8_t expected = (uint8_t)from;
    return atomic_compare_exchange_strong_explicit(state, &expected, (uint8_t)to,
                                                   memory_order_acq_rel, memory_order_relaxed);
}

bool sampled_mark(void *p) {
    struct block_ref block = find_block(p);
    if (block.state != NULL) return sampled_change(block.state, SLOT_USED, SLOT_SAMPLED);
    if (block.kind == BLOCK_NONE) return false;
    racy_store(&sampled_large, true);
    return true;
}

void sampled_unmark(const void *p) {
    struct block_ref block = find_block((void *)(uintptr_t)p);
    if (block.state != NULL) sampled_change(block.state, SLOT_SAMPLED, SLOT_USED);
}

/* While the sample of a slot is forgotten, its state is CLOSING, so a second free fails. */
bool sampled_end(const struct block_ref *block) {
    if (block->state == NULL) {
        if (racy_load(bool, &sampled_large)) sampled_forget(block->start);
        return true;
    }
    if (likely(slot_state_get(block->state) != SLOT_SAMPLED)) return true;
    if (!sampled_change(block->state, SLOT_SAMPLED, SLOT_CLOSING)) {
        /* Sampling ended in this moment, or another thread frees the block. */
        return slot_state_get(block->state) == SLOT_USED;
    }
    sampled_forget(block->start);
    slot_state_set(block->state, SLOT_USED);
    return true;
}
