/* What a pointer is, from our own records alone: nothing it points to is read. */
#ifndef MALLOW_FIND_H
#define MALLOW_FIND_H

#include "slab.h"

enum block_kind {
    BLOCK_NONE, /* not the start of a block in use */
    BLOCK_SLOT,
    BLOCK_COLD,
    BLOCK_RUN,
    BLOCK_MAPPING,
};

struct found {
    enum block_kind kind;
    unsigned class; /* of a slot */
    char *start;
    size_t usable; /* bytes */
    struct slab *slab;
    _Atomic uint8_t *state;
};

/* The block in use that begins at p. */
struct found find_block(void *p);

#endif
