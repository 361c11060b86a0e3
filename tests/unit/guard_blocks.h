/* Allocates and frees guarded blocks for their tests. Each test has a process, and thus a range, of
 * its own. */
#ifndef GUARD_BLOCKS_H
#define GUARD_BLOCKS_H

#include "bodies.h"

#include "base/layout.h"
#include "base/numbers.h"
#include "guard/guard.h"
#include "guard/guard_damage.h"
#include "guard/guard_info.h"
#include "guard/guard_range.h"
#include "guard/guard_table.h"
#include "guard_begin.h"
#include "os/os.h"

static size_t page_bytes;

/* Returns true if the page of the address can be read. */
static inline bool is_accessible(const char *p) {
    char byte;
    return os_read_memory(p, &byte, 1);
}

static inline char *take(size_t size, size_t align) {
    char *block = guard_alloc(size, align, FAMILY_MALLOC, 0);
    CHECK(block != NULL);
    return block;
}

static inline void give(char *block) {
    CHECK_EQUAL(guard_free(block, 0), GUARD_FREED);
    check_reported("");
}

static inline void give_others(unsigned count) {
    for (unsigned i = 0; i < count; i++) give(take(1, UNIT));
}

static inline void check_info(const char *p, const char *start, enum block_life life) {
    struct block_info info = {.life = LIFE_NONE};
    CHECK(guard_range_contains(p));
    CHECK(guard_info(p, &info));
    if (info.start != start || info.life != life)
        check_failed("%p belongs to %p (%d), not to %p (%d)\n", (void *)p, (void *)info.start,
                     info.life, (void *)start, life);
}

static inline void check_refused(char *p, const char *report) {
    CHECK_EQUAL(guard_free(p, 0), GUARD_BAD);
    check_reported(report);
}

#endif
