/* The anonymous memory that a recorded program has mapped itself, not by the malloc family. */
#ifndef MALLOW_REPLAY_MAPPED_H
#define MALLOW_REPLAY_MAPPED_H

#include <stddef.h>
#include <stdint.h>

#include "mallow/trace.h"

struct replay_mapped {
    struct replay_range {
        uint64_t start, end;
        uint32_t is_used;
    } *ranges; /* in order, without overlaps */
    size_t count;
    uint64_t brk_first; /* the first end of the heap that brk(2) has returned */
    uint64_t brk;       /* how far it has grown since */
    uint64_t bytes;     /* that the program can write */
};

/* Follows a system call that no call of the malloc family has caused. */
void replay_mapped_follow(struct replay_mapped *mapped, const struct mallow_trace_event *event);

/* Returns the bytes that the program can write and probably has written. The trace does not say
 * which pages it has. */
uint64_t replay_mapped_bytes(const struct replay_mapped *mapped);

void replay_mapped_free(struct replay_mapped *mapped);

#endif
