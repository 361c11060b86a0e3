/* Checkpoints: the set of live blocks as the columns of a block. */
#ifndef MALLOW_TRACE_CHECKPOINT_H
#define MALLOW_TRACE_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "trace_bytes.h"
#include "trace_live.h"

/* Blocks are in the order of their events. Differences are from the block before. */
enum trace_checkpoint_column {
    TRACE_CHECKPOINT_EVENT,   /* difference */
    TRACE_CHECKPOINT_TIME,    /* folded difference in units of the resolution */
    TRACE_CHECKPOINT_THREAD,  /* folded difference */
    TRACE_CHECKPOINT_PROCESS, /* folded difference */
    TRACE_CHECKPOINT_KIND,    /* number */
    TRACE_CHECKPOINT_STACK,   /* folded difference */
    TRACE_CHECKPOINT_SIZE,    /* 0: that of the last block of the stack, or else the size + 1 */
    TRACE_CHECKPOINT_ADDRESS, /* folded difference */
    TRACE_CHECKPOINT_COLUMNS
};

/* Adds the columns. Returns false if there is no memory. */
bool trace_checkpoint_encode(const struct trace_live *live, uint32_t resolution,
                             struct trace_bytes columns[TRACE_CHECKPOINT_COLUMNS]);

/* Fills an empty set. Returns false if the columns contradict the format or there is no memory. */
bool trace_checkpoint_decode(struct trace_live *live, uint64_t count, uint32_t resolution,
                             struct trace_cursor columns[TRACE_CHECKPOINT_COLUMNS]);

#endif
