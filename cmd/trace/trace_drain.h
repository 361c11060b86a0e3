/* Reads the rings of a recorded program in a thread of its own, and writes the trace. */
#ifndef MALLOW_TRACE_DRAIN_H
#define MALLOW_TRACE_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "trace/trace_area.h"

struct trace_drain;

/* Starts the thread, with all signals blocked. Ends the command if the file cannot be written. */
struct trace_drain *trace_drain_start(struct trace_area *area, const char *path,
                                      const char *allocator);

/* Reads the rest and completes the file. `status` is that of the program as wait(2) stores it, or
 * -1 if it continues. Returns NULL, or what failed, which the caller frees. */
struct trace_drain_end {
    uint64_t events, lost, bytes;
    char *error;
};
struct trace_drain_end trace_drain_stop(struct trace_drain *drain, int status);

/* Says what is in the file. Returns false if it is not complete. */
bool trace_drain_print(const struct trace_drain_end *end, const char *file);

#endif
