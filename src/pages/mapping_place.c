#include "pages/mapping_place.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "os/os.h"
#include "pages/space.h"

/*
 * Mappings are placed in a window of the address space, each below the one before:
 *
 *     |     not used so far ...     | block |  gap  | larger block |   gap    | end |
 *     ^ window                      ^ cursor                                  inaccessible page
 *
 * Addresses are not used again until the window is used up and another one is chosen. Nothing is
 * mapped in the gaps, so they cost neither memory nor a system call, and no limit counts them. A
 * block may grow into its gap (mapping.c), but not out of the window, where it could reach the
 * heap's range.
 */
/* The complement of the cursor, which is the address of the last block: a leak check must not take
 * it for a pointer to that block. 0: there is no window. */
static _Atomic uintptr_t mapping_place_cursor;
static _Atomic unsigned mapping_place_windows; /* chosen so far */

#define PLACE_TRIES 8

/* A window has a 128th of the address space: a TiB on most machines. */
static uintptr_t mapping_place_window(void) { return (uintptr_t)1 << (os_address_bits() - 7); }

/* Returns how many bytes the window of the cursor has below it. */
static uintptr_t mapping_place_left(uintptr_t cursor) {
    return cursor & (mapping_place_window() - 1);
}

/* The windows lie in the last three quarters of the fifth eighth of the address space. Neither the
 * kernel nor space_random_place chooses addresses there; what begins in the fourth eighth (space.h,
 * guard_range.h) may end in the first quarter of the fifth. */
static uintptr_t mapping_place_quarter(void) { return (uintptr_t)1 << (os_address_bits() - 5); }
static uintptr_t mapping_place_lowest(void) { return 17 * mapping_place_quarter(); }
static uintptr_t mapping_place_area(void) { return 3 * mapping_place_quarter(); }

/* Hashes a number with a secret, because a sandbox may forbid a system call for random numbers. */
static uint64_t mapping_place_hash(uint64_t x) {
    x = (x + space.seed) * 0xff51afd7ed558ccdull;
    x = ((x ^ x >> 32) + (space.seed << 20)) * 0xc4ceb9fe1a85ec53ull;
    return x ^ x >> 32;
}

/* Returns an address in the second half of a window. */
static uintptr_t mapping_place_random(void) {
    unsigned number = atomic_fetch_add_explicit(&mapping_place_windows, 1, memory_order_relaxed);
    uintptr_t random = mapping_place_hash(number) % (mapping_place_area() >> GRANULE_SHIFT);
    return (mapping_place_lowest() + (random << GRANULE_SHIFT)) | mapping_place_window() / 2;
}

bool mapping_place_contains(const void *p) {
    return (uintptr_t)p - mapping_place_lowest() < mapping_place_area();
}

/* Returns the end of a window. Returns 0 if the heap itself has no range, or leaves no window free.
 */
static RARE uintptr_t mapping_place_choose(void) {
    size_t granules = __atomic_load_n(&space.granules, __ATOMIC_ACQUIRE);
    if (sizeof(void *) < 8 || granules == 0 || space.meta_part.by != GROW_MAPPED) return 0;
    for (int i = 0; i < PLACE_TRIES; i++) {
        uintptr_t top = mapping_place_random(), left = mapping_place_left(top);
        if (space_is_apart((const char *)(top - left), left) &&
            os_reserve_at((void *)top, os_page_size()))
            return top;
    }
    return 0;
}

/* Returns the length of the gap after a block: a page, a quarter of the block, and up to as much
 * again, which cannot be predicted. */
static size_t mapping_place_gap(uintptr_t cursor, size_t bytes) {
    size_t page = os_page_size(), sixteenths = mapping_place_hash(cursor) % 16;
    return page + round_up(bytes / 4, page) + sixteenths * round_up(bytes / 64, page);
}

/* Returns the block's place below the cursor, or 0 if the window has no room for it. */
static uintptr_t mapping_place_below(uintptr_t cursor, size_t bytes, size_t align) {
    size_t room = bytes + mapping_place_gap(cursor, bytes);
    if (mapping_place_left(cursor) < room + align) return 0;
    return (cursor - room) & ~(uintptr_t)(align - 1);
}

/* Moves the cursor to a place for a block. Returns 0 if there is none. */
static uintptr_t mapping_place_take(size_t bytes, size_t align) {
    uintptr_t largest = mapping_place_window() / 8;
    if (bytes > largest || align > largest) return 0;
    uintptr_t before = atomic_load_explicit(&mapping_place_cursor, memory_order_relaxed), at;
    do {
        at = before == 0 ? 0 : mapping_place_below(~before, bytes, align);
        if (unlikely(at == 0)) {
            uintptr_t top = mapping_place_choose();
            if (top == 0) return 0;
            at = mapping_place_below(top, bytes, align);
        }
    } while (!atomic_compare_exchange_weak_explicit(&mapping_place_cursor, &before, ~at,
                                                    memory_order_relaxed, memory_order_relaxed));
    return at;
}

enum os_extended mapping_place_map(char **start, size_t bytes, size_t align) {
    MALLOW_ASSERT(bytes % os_page_size() == 0);
    MALLOW_ASSERT(align % os_page_size() == 0);
    *start = (char *)mapping_place_take(bytes, align);
    if (*start == NULL) return OS_EXTEND_OCCUPIED;
    enum os_extended extended = os_extend(*start, bytes);
    /* The foreign mapping may be large, so the next block goes to another window. */
    if (extended == OS_EXTEND_OCCUPIED)
        atomic_store_explicit(&mapping_place_cursor, 0, memory_order_relaxed);
    return extended;
}

/* The kernel moves whole tables of pages if both addresses are multiples of what a table describes.
 */
#define TABLE_BYTES ((size_t)2 * MIB)

char *mapping_place_move(char *start, size_t before, size_t bytes) {
    size_t align = (uintptr_t)start % TABLE_BYTES == 0 ? TABLE_BYTES : os_page_size();
    char *to = (char *)mapping_place_take(bytes, align);
    return to != NULL && os_remap_to(start, before, to, bytes) ? to : NULL;
}
