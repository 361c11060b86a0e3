/*
 * Where guarded blocks are, and what is known of each.
 *
 *      index (4 bytes a page)        records (64 bytes each)
 *     [ 0 | 1 | 1 | 2 | 2 | 2 | 0 ]  [ - | first block | second block | ... ]
 *
 *     [ - | A | - | B | B | - |   ]  pages of the kernel; - is never accessible
 *
 * A record owns the pages of its block and the inaccessible one behind. Places are cut upwards, one
 * after the other, and from the bottom again when the range ends, over those that were freed long
 * ago. So the page before a block is never accessible: it is the first of the range, the last of
 * another record, or nobody's. Freed blocks keep their pages, inaccessible and without memory, and
 * their record until their place or their record is needed.
 *
 * The range is mapped as far as it was used; index and records stand apart from it. All of this is
 * under guard_lock, but for guard_table_covers.
 */
#ifndef MALLOW_GUARD_TABLE_H
#define MALLOW_GUARD_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/lock.h"
#include "report/block.h"

/* No place is used again before so many others were freed. */
#define GUARD_REUSE_DISTANCE 256u

struct guard_record {
    char *start;         /* what the program was given */
    size_t size;         /* as it asked for */
    uint64_t freed_at;   /* `frees` then */
    uint32_t first;      /* page */
    uint32_t pages;      /* the one behind the block included */
    uint32_t next_freed; /* record that was freed after this one */
    stack_id allocated, freed;
    int allocated_by, freed_by;
    uint8_t life, family; /* enum block_life, enum family */
    uint8_t align;        /* as asked for: its power of two */
    bool opened;          /* the page behind was made accessible after a fault */
    bool stays;           /* its pages are not what they were at first: nobody gets them again */
    bool reported;        /* as damaged */
};

extern struct lock guard_lock;

/* Chooses a range of so many bytes, or less where limits demand it, unless there is one. */
bool guard_table_begin(size_t bytes);

/* A record without life, for a block of so many accessible pages, the first of them aligned; NULL
 * when there is no place. All its pages are inaccessible, and read as zero once they are not. One
 * of the next two functions follows. */
struct guard_record *guard_table_place(size_t pages, size_t align);

/* The place is the record's, or it is not, because its pages were refused. */
void guard_table_keep(struct guard_record *record);
void guard_table_refuse(struct guard_record *record);

/* It was freed. */
void guard_table_release(struct guard_record *record);

/* Whether the range has the address. Needs no lock. */
bool guard_table_covers(const void *p);

/* Of the page that p lies in; NULL when it is nobody's. */
struct guard_record *guard_table_owner(const void *p);

/* Whether p lies in one of the record's pages but the last. */
bool guard_table_is_inside(const struct guard_record *record, const void *p);

char *guard_table_page(uint32_t page);

/* The n-th record, n from 1 on; NULL behind the last one. */
struct guard_record *guard_table_record(uint32_t n);

/* In the child of a fork that caught another thread with the lock. */
void guard_table_after_fork(void);

/* Makes the first pages of a record inaccessible and gives their memory back. */
void guard_table_close(struct guard_record *record, uint32_t pages);

/* Calls back with each stretch of memory of the table's and of guarded blocks. */
void guard_table_each_part(void (*call)(uintptr_t start, uintptr_t end));

#endif
