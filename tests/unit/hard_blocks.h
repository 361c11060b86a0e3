/* Allocates, finds and frees blocks of check=hard for its tests. */
#ifndef HARD_BLOCKS_H
#define HARD_BLOCKS_H

#include "checked.h"

#include "bodies.h"

#include "base/numbers.h"
#include "check/block_info.h"
#include "check/hard.h"
#include "check/hard_queue.h"
#include "check/hard_ring.h"
#include "check/hard_seal.h"
#include "check/hard_verify.h"
#include "process/options.h"

enum { LARGEST = SLOT_MAX - HARD_TAIL };

static inline void begin(void) {
    setenv("MALLOW_OPTIONS", "check=hard,on_error=report", 1);
    options_read();
    CHECK_EQUAL(settings.check, CHECK_HARD);
}

static inline bool is_zero(const char *start, size_t bytes) { return is_filled(start, bytes, 0); }

static inline char *take(size_t size) {
    char *block = hard_alloc(size, 1);
    CHECK(block != NULL);
    return block;
}

/* Returns the minimum number of frees between the free of a slot and its next use. */
static inline size_t delay_of(size_t slot_bytes) {
    if (slot_bytes <= HARD_SMALL) return HARD_DELAY;
    return min_size(HARD_DELAY, QUEUE_BYTES / slot_bytes);
}

static inline void give(char *block) { CHECK(hard_free(block)); }

static inline struct slot_ref ref_around(const char *p) {
    struct slot_ref ref;
    CHECK(slot_ref_find(p, &ref));
    return ref;
}

static inline struct slot_ref ref_of_live(char *block) {
    struct slot_ref ref;
    CHECK(hard_find(block, &ref) && ref.start == block);
    return ref;
}

static inline bool is_damaged(const char *block) {
    struct slot_ref ref = ref_around(block);
    return hard_is_damaged(&ref);
}

#endif
