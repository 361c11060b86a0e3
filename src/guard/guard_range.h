/*
 * The memory of guarded blocks and, separate from it, the memory of their index and records.
 *
 *      index (4 bytes a page)        records (64 bytes each)
 *     [ 0 | 1 | 1 | 2 | 2 | 2 | 0 ]  [ - | first block | second block | ... ]
 *
 *     [ - | A | - | B | B | - |   ]  pages of the kernel; - is never accessible
 *
 * The range is mapped only as far as it has been used. guard_table.c fills the index and the
 * records, guard_place.c chooses the pages.
 */
#ifndef MALLOW_GUARD_RANGE_H
#define MALLOW_GUARD_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/open_lock.h"
#include "pages/space.h"

struct guard_record;

struct guard_range {
    char *base;        /* address of page 0; NULL until the range is chosen */
    size_t bytes;      /* maximum size of the range */
    unsigned shift;    /* binary logarithm of the page size */
    unsigned begun;    /* calls of guard_range_begin without a range */
    struct part pages; /* `accessible` counts reserved bytes */
    struct part index, records;
    uint32_t *owner; /* for each page: the number of the record that owns it, or 0 */
    struct guard_record *record;
    uint32_t count_max; /* maximum number of records; they are numbered from 1 */
};

/* Only for the files of this folder. */
extern struct guard_range guard_range;

/* Protects all data of this folder. A handler that interrupts the holder is refused: its block is
 * then not guarded, and guarded blocks that it frees are freed later. */
extern struct open_lock guard_lock;

/* Chooses a range of `bytes` bytes, or a smaller one if limits demand it. Does nothing if there is
 * a range already. Returns false if there is none. guard_lock must be held. */
bool guard_range_begin(size_t bytes);

/* Reserves the pages up to `end`, of which the last `pages` are for a block, and makes their part
 * of the index accessible. Returns false if that is refused. */
bool guard_range_reach(size_t end, size_t pages);

/* Makes the n-th record accessible. Returns false if that is refused. */
bool guard_range_reach_record(uint32_t n);

/* Returns true if the address is in the range. Needs no lock. */
bool guard_range_contains(const void *p);

/* Returns the maximum number of pages of the range. */
size_t guard_range_pages(void);

/* Return the number of the page that p lies in, and the address of a page. */
size_t guard_range_page_of(const void *p);
char *guard_range_page(uint32_t page);

/* Called in the child of a fork. Repairs all parts (part_repair). */
void guard_range_repair(void);

/* Stores the bounds of a part. Returns false if it is not in use. */
enum guard_part { GUARD_PAGES, GUARD_INDEX, GUARD_RECORDS, GUARD_PARTS };
bool guard_range_bounds(enum guard_part part, uintptr_t *start, uintptr_t *end);

/* Calls `call` with the bounds of each part that is in use: blocks, index and records. */
void guard_range_each_part(void (*call)(uintptr_t start, uintptr_t end));

#endif
