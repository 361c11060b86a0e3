/* What is known of a block, for reports and for the tools. */
#ifndef MALLOW_BLOCK_H
#define MALLOW_BLOCK_H

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

#endif
