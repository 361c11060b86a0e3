/* Allocates, finds and frees blocks of check=hard for its tests. */
#ifndef HARD_BLOCKS_H
#define HARD_BLOCKS_H

#include "checked.h"

#include "bodies.h"

#include "check/block_info.h"
#include "check/hard.h"
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

static inline void give(char *block) { CHECK(hard_free(block)); }

static inline struct place place_around(const char *p) {
    struct place place;
    CHECK(place_of(p, &place));
    return place;
}

static inline struct place place_of_live(char *block) {
    struct place place;
    CHECK(hard_find(block, &place) && place.start == block);
    return place;
}

static inline bool is_damaged(const char *block) {
    struct place place = place_around(block);
    return hard_is_damaged(&place);
}

#endif
