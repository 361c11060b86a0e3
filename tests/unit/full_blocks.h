/* Allocates, finds and frees blocks of check=full for its tests. */
#ifndef FULL_BLOCKS_H
#define FULL_BLOCKS_H

#include "checked.h"

#include "bodies.h"

#include "check/full.h"
#include "process/options.h"

enum { ZONE_MIN = 32 }; /* the least number of checked bytes on either side of a block */

static const struct free_request plain_free = {.family = FAMILY_MALLOC};

static inline void begin(void) {
    setenv("MALLOW_OPTIONS", "check=full,on_error=report", 1);
    options_read();
    CHECK_EQUAL(settings.check, CHECK_FULL);
}

static inline char *take_as(struct alloc_request ask, stack_id stack) {
    struct heap *heap = heap_enter();
    char *block = full_alloc(heap, &ask, stack);
    heap_leave(heap);
    return block;
}

static inline char *take(size_t size) {
    char *block = take_as((struct alloc_request){.size = size, .align = 1}, 0);
    CHECK(block != NULL);
    return block;
}

static inline struct place place_around(const char *p) {
    struct place place;
    CHECK(place_of(p, &place));
    return place;
}

static inline bool give_as(char *block, struct free_request how, stack_id stack) {
    struct place place = place_around(block);
    struct heap *heap = heap_enter();
    bool done = full_free(heap, &place, block, &how, stack);
    heap_leave(heap);
    return done;
}

static inline void give(char *block) { CHECK(give_as(block, plain_free, 0)); }

static inline enum damage damage_of(const char *block) {
    struct place place = place_around(block);
    return full_damage(&place);
}

/* Returns all slots from the quarantine. */
static inline void empty_quarantine(void) {
    struct heap *heap = heap_enter();
    full_relieve(heap);
    heap_leave(heap);
}

#endif
