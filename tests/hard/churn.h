/*
 * A workload in small steps: blocks of mixed sizes are allocated, filled, kept for some steps,
 * verified and freed. A signal handler may leave a step by a jump between any two instructions,
 * because a block is removed from the table before it is freed, and entered only when it is filled.
 */
#ifndef CHURN_H
#define CHURN_H

#include "check.h"
#include "pattern.h"
#include "random.h"

enum { CHURN_BLOCKS = 128 };

struct churn {
    uint64_t random;
    struct {
        void *volatile address;
        size_t size;
    } blocks[CHURN_BLOCKS];
};

/* Most sizes are small; one in 64 may be a run of pages. */
static inline size_t churn_size(struct churn *churn) {
    size_t bound = (size_t)16 << random_below(&churn->random, 8);
    if (random_below(&churn->random, 64) == 0) bound = 200000;
    return 1 + random_below(&churn->random, bound);
}

static inline void churn_release(struct churn *churn, size_t i) {
    void *block = churn->blocks[i].address;
    size_t size = churn->blocks[i].size;
    if (block == NULL) return;
    CHECK(pattern_holds(block, size, pattern_key(block, size, i)));
    churn->blocks[i].address = NULL;
    free(block);
}

static inline void churn_allocate(struct churn *churn, size_t i) {
    size_t size = churn_size(churn);
    void *block = malloc(size);
    CHECK(block != NULL);
    pattern_fill(block, size, pattern_key(block, size, i));
    churn->blocks[i].size = size;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    churn->blocks[i].address = block;
}

static inline void churn_step(struct churn *churn) {
    size_t i = random_below(&churn->random, CHURN_BLOCKS);
    if (churn->blocks[i].address != NULL)
        churn_release(churn, i);
    else
        churn_allocate(churn, i);
}

static inline void churn_steps(struct churn *churn, int count) {
    for (int i = 0; i < count; i++) churn_step(churn);
}

static inline void churn_verify(const struct churn *churn) {
    for (size_t i = 0; i < CHURN_BLOCKS; i++) {
        const void *block = churn->blocks[i].address;
        size_t size = churn->blocks[i].size;
        CHECK(block == NULL || pattern_holds(block, size, pattern_key(block, size, i)));
    }
}

static inline void churn_finish(struct churn *churn) {
    for (size_t i = 0; i < CHURN_BLOCKS; i++) churn_release(churn, i);
}

#endif
