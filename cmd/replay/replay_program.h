/* Translates a trace into the operations of mallow-replay (replay_layout.h). */
#ifndef MALLOW_REPLAY_PROGRAM_H
#define MALLOW_REPLAY_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mallow/trace.h"
#include "replay/replay_layout.h"

/* The process at the end of an epoch, as recorded. */
struct replay_moment {
    uint64_t time;      /* nanoseconds since the first event */
    uint64_t resident;  /* of the process, in bytes; 0: unknown */
    uint64_t anonymous; /* the part of it that is in no file and not shared; 0: unknown */
    uint64_t mapped;    /* anonymous memory that the program has mapped itself */
    uint64_t live;      /* bytes of live blocks */
    uint32_t threads;
};

struct replay_program {
    int file;                      /* for mallow-replay */
    struct replay_head *head;      /* the file, mapped */
    struct replay_thread *threads; /* what they are before a run; the same for the epochs */
    struct replay_epoch *epochs;
    struct replay_moment *moments; /* one for each epoch */
    uint32_t process;              /* that is replayed: its number in the trace */
    uint64_t calls, duration;      /* nanoseconds */
    uint64_t live_peak;            /* bytes */
    /* Events that are not replayed. */
    uint64_t other_events; /* of other processes */
    uint64_t failed;       /* calls that failed */
    uint64_t unknown;      /* frees of blocks that were allocated before the recording */
    uint64_t lost;         /* events that were not recorded */
    bool was_paused;
    bool is_cxx; /* the program calls the operators of C++ */
};

/* Translates the events of a process. 0: that with the most events. Ends the command with a message
 * if the trace cannot be read or has no such process. */
void replay_program_read(struct replay_program *program, struct mallow_trace *trace,
                         uint32_t process);

/* Makes the file ready for another run. */
void replay_program_reset(const struct replay_program *program);

void replay_program_free(struct replay_program *program);

#endif
