/* What is known of a guarded block, whether it lives or was freed. */
#ifndef MALLOW_GUARD_RECORD_H
#define MALLOW_GUARD_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/block.h"

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

#endif
