/* Functions for threads that allocate or free a block. */
#ifndef BLOCK_THREADS_H
#define BLOCK_THREADS_H

#include "threads.h"

static inline void *allocate_block(void *unused) {
    (void)unused;
    return malloc(32);
}

static inline void *free_block(void *block) {
    free(block);
    return NULL;
}

static inline void *allocate_and_free_block(void *unused) {
    void *volatile block = allocate_block(unused);
    free(block);
    return block;
}

#endif
