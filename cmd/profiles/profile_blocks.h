/* The blocks of a profile (mallow_profile.h): finds the valid ones, whatever is between them. */
#ifndef MALLOW_PROFILE_BLOCKS_H
#define MALLOW_PROFILE_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct profile_block {
    uint32_t type;
    const unsigned char *bytes; /* not aligned */
    size_t count;
};

struct profile_scan {
    const unsigned char *bytes;
    size_t count;
    size_t at;       /* where the next block begins */
    size_t damaged;  /* places with damaged blocks, or with bytes that belong to no block */
    bool truncated;  /* the last block is incomplete */
    bool lost_start; /* a PROCESS block was damaged; the caller sets it to false */
    size_t wasted;   /* bytes for which a wrong checksum was computed */
};

/* Finds the next valid block. Returns false at the end. */
bool profile_next_block(struct profile_scan *scan, struct profile_block *block);

#endif
