/* The description of a block, for reports and for the tools. */
#ifndef MALLOW_BLOCK_H
#define MALLOW_BLOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "heap/family.h"
#include "stack/stack.h"

enum block_life {
    LIFE_NONE, /* there was never a block, or it is no longer known */
    LIFE_LIVE,
    LIFE_FREED,
};

struct block_info {
    enum block_life life;
    char *start; /* the address that the program got */
    size_t size; /* bytes: the requested size if `exact`, else what the block can hold */
    bool exact;
    enum family family;         /* known for guarded blocks and those of check=full */
    size_t align;               /* the requested alignment; 0: not kept */
    stack_id allocated, freed;  /* 0: not kept */
    int allocated_by, freed_by; /* thread ids; 0: not kept */
};

#endif
