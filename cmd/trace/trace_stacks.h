/*
 * The stacks of a trace with functions and lines. Each address is looked up when it is first asked
 * for.
 *
 * A frame of a trace is a return address and its caller. It stands for several functions if the
 * compiler has inlined some.
 */
#ifndef MALLOW_TRACE_STACKS_H
#define MALLOW_TRACE_STACKS_H

#include <mallow/trace.h>
#include <sys/types.h>

#include "stacks/stacks.h"
#include "symbols/symbols_calls.h"

struct trace_stacks;

/* The trace must stay open. */
struct trace_stacks *trace_stacks_open(const struct mallow_trace *trace);
void trace_stacks_close(struct trace_stacks *stacks);

/* Returns the tree that the numbers of trace_stacks_number() belong to. */
const struct stacks *trace_stacks_tree(const struct trace_stacks *stacks);

/* Returns the number of the stack in the tree, or 0: it is unknown. `frame` is that of an event. */
uint32_t trace_stacks_number(struct trace_stacks *stacks, uint32_t frame);

/* Returns the innermost frame with a function that does not merely help to allocate; if there is
 * none, the frame itself. */
uint32_t trace_stacks_site(struct trace_stacks *stacks, uint32_t frame);

/* Returns a number that is the same for frames with the same return address in the same file. */
uint32_t trace_stacks_place(struct trace_stacks *stacks, uint32_t frame);

/* Stores the calls of the frame's function, and returns the index of the frame's own call. Returns
 * -1 if it is not among them. */
ssize_t trace_stacks_find_calls(struct trace_stacks *stacks, uint32_t frame,
                                struct symbol_calls *calls);

#endif
