/* mallow strace: the system calls in a trace, and the calls of the malloc family that made them. */
#ifndef MALLOW_STRACE_H
#define MALLOW_STRACE_H

#include <mallow/trace.h>
#include <stdbool.h>
#include <stdio.h>

#include "trace/trace_stacks.h"

struct strace_settings {
    unsigned long process; /* 0: all */
    bool all;              /* also the system calls that the program itself made */
    bool totals, stacks, json;
    unsigned long top; /* rows of the totals; 0: all */
};

/* A system call, and the call that made it: its kind is 0 if it is unknown. */
struct strace_call {
    struct mallow_trace_event event, cause;
    bool is_complete; /* the cause was found, or there is none */
};

struct strace {
    struct mallow_trace *trace;
    struct trace_stacks *stacks;
    struct strace_settings settings;
    uint64_t count; /* of system calls */
};

/* Returns the frame of the call's stack, or 0. */
static inline uint32_t strace_frame(const struct strace_call *call) {
    return call->cause.stack != 0 ? call->cause.stack : call->event.stack;
}

/* Writes the call as strace(1) does. */
void strace_write_call(FILE *to, const struct mallow_trace_event *event);

/* Returns the name of an error, "EINVAL", or its number. It is valid until the next call. */
const char *strace_error_name(int error);

/* Returns "function (file:line)" of the stack of a frame, and of what does not merely help to
 * allocate, or NULL. The caller frees it. */
char *strace_site(const struct strace *strace, uint32_t frame);

/* ---- the list ---- */

void strace_begin_list(const struct strace *strace);
void strace_print_call(struct strace *strace, const struct strace_call *call);
void strace_end_list(const struct strace *strace);

/* ---- totals ---- */

void strace_add_total(const struct strace *strace, const struct strace_call *call);
void strace_print_totals(const struct strace *strace);

#endif
