/* Allocates, finds and frees blocks of check=full for its tests. */
#ifndef FULL_BLOCKS_H
#define FULL_BLOCKS_H

#include "checked.h"

#include "bodies.h"

#include "check/full.h"
#include "heap/heap_enter.h"
#include "process/options.h"

enum { ZONE_MIN = 32 }; /* the minimum number of checked bytes on either side of a block */

static const struct free_request plain_free = {.family = FAMILY_MALLOC};

static inline void begin(void) {
    setenv("MALLOW_OPTIONS", "check=full,on_error=report", 1);
    options_read();
    CHECK_EQUAL(settings.check, CHECK_FULL);
}

static inline char *take_as(struct alloc_request request, stack_id stack) {
    struct heap *heap = heap_enter();
    char *block = full_alloc(heap, &request, stack);
    heap_leave(heap);
    return block;
}

static inline char *take(size_t size) {
    char *block = take_as((struct alloc_request){.size = size, .align = 1}, 0);
    CHECK(block != NULL);
    return block;
}

static inline struct slot_ref ref_around(const char *p) {
    struct slot_ref ref;
    CHECK(slot_ref_find(p, &ref));
    return ref;
}

static inline bool give_as(char *block, struct free_request request, stack_id stack) {
    struct slot_ref ref = ref_around(block);
    struct heap *heap = heap_enter();
    bool done = full_free(heap, &ref, block, &request, stack);
    heap_leave(heap);
    return done;
}

static inline void give(char *block) { CHECK(give_as(block, plain_free, 0)); }

static inline enum damage damage_of(const char *block) {
    struct slot_ref ref = ref_around(block);
    return full_damage(&ref);
}

/* Makes all slots leave the quarantine. */
static inline void empty_quarantine(void) {
    struct heap *heap = heap_enter();
    full_relieve(heap);
    heap_leave(heap);
}

#endif
