/* The record of a guarded block that is live or was freed. */
#ifndef MALLOW_GUARD_RECORD_H
#define MALLOW_GUARD_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/block.h"

/* A live block that was freed without the lock, before and after the free is described. */
enum guard_leaving { LEAVING_NOT, LEAVING_SOON, LEAVING };

struct guard_record {
    char *start;         /* the pointer that the program has */
    size_t size;         /* as requested */
    uint64_t freed_at;   /* guard_table_frees() when it was freed */
    uint32_t first;      /* number of its first page */
    uint32_t pages;      /* including the inaccessible one after the block */
    uint32_t next_freed; /* the record after this one in the list of freed ones */
    stack_id allocated, freed;
    int allocated_by, freed_by;
    uint8_t life, family; /* enum block_life, enum family */
    uint8_t align;        /* binary logarithm of the requested alignment */
    bool opened;          /* the page after the block was made accessible after a fault */
    bool stays;    /* its pages are no longer inaccessible or zero: no other block gets them */
    bool reported; /* its damage was reported */
    _Atomic uint8_t leaving; /* enum guard_leaving */
};

#endif
