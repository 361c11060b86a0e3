/* Gives equal frames of stacks one number, and finds the modules that they are in. */
#ifndef MALLOW_TRACE_FRAMES_H
#define MALLOW_TRACE_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace_tables.h"

/* A hash table of the frames in the tables. Initialized to zero. */
struct trace_frames {
    uint32_t *numbers; /* 0: unused */
    size_t room;       /* 0 or a power of two */
};

/* Returns the number of the newest module at the address, or 0. A forked process has the modules of
 * its parent, too. */
uint32_t trace_frames_module(const struct trace_tables *tables, uint32_t process, uint64_t address);

/* Returns the place of the frame's number, which is 0 if the frame is new. The caller then adds it
 * to the tables, and stores its number. Returns NULL if there is no memory. */
uint32_t *trace_frames_place(struct trace_frames *frames, const struct trace_tables *tables,
                             const struct mallow_trace_frame *frame);

#endif
