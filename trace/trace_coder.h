/* Codes events into the columns of a frame, and decodes them. */
#ifndef MALLOW_TRACE_CODER_H
#define MALLOW_TRACE_CODER_H

#include <stdbool.h>
#include <stdint.h>

#include "mallow/trace.h"
#include "trace_bytes.h"
#include "trace_model.h"

/* The most bytes that an event can add to each column. */
extern const uint8_t trace_column_bytes[TRACE_COLUMNS];

/* ---- coding ---- */

struct trace_coder {
    struct trace_model model;
    struct trace_bytes columns[TRACE_COLUMNS];
    uint32_t events, run;                 /* in the frame; of the current thread */
    uint64_t group_first;                 /* the number of the group's first event */
    uint32_t made_by[TRACE_GROUP_EVENTS]; /* the allocation that the event of the group made */
};

/* Makes room for a group. Returns NULL if there is no memory. */
struct trace_coder *trace_coder_open(void);
void trace_coder_close(struct trace_coder *coder);

/* Begins a group with the event of that number. */
void trace_coder_begin_group(struct trace_coder *coder, uint64_t number, uint64_t time);

/* Begins a frame. */
void trace_coder_begin_frame(struct trace_coder *coder);

/* Adds an event to a group that is not full. `time` is in units of the resolution. `old` is the
 * live block at old_address, or NULL: unknown. */
void trace_coder_add(struct trace_coder *coder, const struct mallow_trace_event *event,
                     uint64_t time, const struct mallow_trace_block *old);

/* Completes the frame's columns. */
void trace_coder_end_frame(struct trace_coder *coder);

/* ---- decoding ---- */

struct trace_decoder {
    struct trace_model model;
    struct trace_cursor columns[TRACE_COLUMNS];
    uint64_t run;        /* events of the current thread that are left */
    uint32_t resolution; /* nanoseconds */
};

/* Begins a group whose first event has that time. */
void trace_decoder_begin_group(struct trace_decoder *decoder, uint64_t time);

/* Begins a frame, whose columns are set. */
void trace_decoder_begin_frame(struct trace_decoder *decoder);

/* Stores the next event, except its process. Returns false if the columns contradict the format. */
bool trace_decoder_next(struct trace_decoder *decoder, struct mallow_trace_event *event);

#endif
