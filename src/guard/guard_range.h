/*
 * The memory of guarded blocks, and apart from it that of their index and records.
 *
 *      index (4 bytes a page)        records (64 bytes each)
 *     [ 0 | 1 | 1 | 2 | 2 | 2 | 0 ]  [ - | first block | second block | ... ]
 *
 *     [ - | A | - | B | B | - |   ]  pages of the kernel; - is never accessible
 *
 * The range is mapped as far as it was used. guard_table.c fills the index and the records,
 * guard_place.c chooses the pages.
 */
#ifndef MALLOW_GUARD_RANGE_H
#define MALLOW_GUARD_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/lock.h"
#include "pages/space.h"

struct guard_record;

struct guard_range {
    char *base;        /* of page 0; NULL before the beginning */
    size_t bytes;      /* from there, at most */
    unsigned shift;    /* of a page */
    unsigned begun;    /* how often this was tried */
    struct part pages; /* accessible: reserved */
    struct part index, records;
    uint32_t *owner; /* of each page: the number of a record, or 0 */
    struct guard_record *record;
    uint32_t count_max; /* records from 1 on that there may be */
};

/* For the files of this folder. */
extern struct guard_range guard_range;

/* Protects all data of this folder. */
extern struct lock guard_lock;

/* Chooses a range of `bytes` bytes, or less where limits demand it, unless there is one. Under
 * guard_lock. */
bool guard_range_begin(size_t bytes);

/* Reserves the pages up to `end`, of which the last `pages` are for a block, and the index of them.
 * False when that is refused. */
bool guard_range_reach(size_t end, size_t pages);

/* Makes the n-th record accessible; false when that is refused. */
bool guard_range_reach_record(uint32_t n);

/* True if the address is in the range. Needs no lock. */
bool guard_range_contains(const void *p);

/* The number of pages that the range may have. */
size_t guard_range_pages(void);

/* The number of the page that p lies in, and the address of a page. */
size_t guard_range_page_of(const void *p);
char *guard_range_page(uint32_t page);

/* In the child of a fork: part_repair for all parts. */
void guard_range_repair(void);

/* Calls back with each stretch of memory of the index, the records and guarded blocks. */
void guard_range_each_part(void (*call)(uintptr_t start, uintptr_t end));

#endif
