/* The state of a reader, and the steps that reading and seeking share. */
#ifndef MALLOW_TRACE_STATE_H
#define MALLOW_TRACE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mallow/trace.h"
#include "trace_coder.h"
#include "trace_input.h"
#include "trace_live.h"
#include "trace_tables.h"

/* Events are decoded in batches, so that the places of their blocks are in the cache when the
 * events are applied. */
#define TRACE_BATCH_EVENTS 32u

struct mallow_trace {
    struct trace_input input;
    struct mallow_trace_facts facts;
    char *texts[3]; /* of the facts */
    struct trace_tables tables;
    struct trace_decoder decoder;
    struct trace_live live;
    bool keeps_live;
    size_t entry;         /* the next one to read */
    uint64_t left;        /* events in the current frame */
    uint64_t next;        /* the number of the next event */
    bool is_decodable;    /* the next frame can go on with the state of the decoder */
    bool is_returned;     /* mallow_trace_next() has returned `event`, which is not applied yet */
    bool is_held;         /* mallow_trace_next() returns `event` next */
    uint64_t events, end; /* in the file; the time of the last one */
    struct mallow_trace_event batch[TRACE_BATCH_EVENTS];
    const struct mallow_trace_event *event; /* the last one that was taken from the batch */
    unsigned batch_at, batch_count;
};

/* Takes the next event. Returns false at the end or after an error. */
bool trace_state_decode(struct mallow_trace *trace);

/* Applies the last event to the live blocks. Returns false after an error. */
bool trace_state_apply(struct mallow_trace *trace);

#endif
