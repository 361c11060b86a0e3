/*
 * Whether calls are recorded, and where.
 *
 * The memory that the program shares with the command is mapped once and never unmapped. A session
 * lasts from switching the recording on until it is switched off, the command ends, or the process
 * forks. Sessions have numbers; a thread whose ring belongs to another session takes a new ring.
 * The number is in a page that the kernel clears in the child of a fork, so that a child that libc
 * does not know of records nothing and leaves the parent's rings alone.
 */
#ifndef MALLOW_TRACE_STATE_H
#define MALLOW_TRACE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "trace/trace_layout.h"

struct trace_state {
    struct trace_head *area;   /* NULL: not mapped */
    _Atomic uint32_t *session; /* 0: nothing is recorded */
    uint32_t rings;            /* that are mapped */
    uint32_t frames;           /* of stacks; 0: none */
    uint32_t process;          /* its number */
    uint32_t parent;           /* the number of the process that forked this one, or 0 */
    _Atomic bool exact;        /* several threads record, so each record needs an exact time */
};
extern struct trace_state trace_state;

/* Maps the file that the command has made. Returns false if that is not possible. */
bool trace_open(const char *path);

/* Makes such a file, or empties the one that was made before. Returns its descriptor, or -1. The
 * calling thread has a table of descriptors of its own, and the descriptor stays open. */
int trace_make(uint32_t frames, enum trace_full full);

/* Ends the session (trace_session.h). */
void trace_end_session(void);

/* In the child of a fork, whose control thread has other descriptors: forgets the file. */
void trace_lose_file(void);

static inline uint32_t trace_session(void) {
    return atomic_load_explicit(trace_state.session, memory_order_relaxed);
}

#endif
