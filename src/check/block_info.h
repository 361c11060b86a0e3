/* What is known of the block that an address lies in, or beside: for reports, for the bounds of
 * memory functions and for the tools. From our own records alone: nothing p points to is read. */
#ifndef MALLOW_BLOCK_INFO_H
#define MALLOW_BLOCK_INFO_H

#include <stdbool.h>
#include <stddef.h>

#include "heap/family.h"
#include "stack/stack.h"

enum block_life {
    LIFE_NONE, /* no block was ever there, or nothing is known of it any more */
    LIFE_LIVE,
    LIFE_FREED,
};

struct block_info {
    enum block_life life;
    char *start; /* what the program was given */
    size_t size; /* bytes: as asked for when `exact`, else what the block can hold */
    bool exact;
    enum family family;         /* only when `exact` */
    size_t align;               /* as asked for; 0: not kept */
    stack_id allocated, freed;  /* 0: not kept */
    int allocated_by, freed_by; /* thread ids; 0: not kept */
};

/* The same, of the blocks of special modes alone, of which more is known. */
bool block_info_special(const void *p, struct block_info *info);

/* The block around p, the redzones at its ends included; false when there is none. */
bool block_info_of(const void *p, struct block_info *info);

/* The last live block of the slab that p lies in; false when none lives. */
bool block_info_last(const void *p, struct block_info *info);

#endif
