/* mallow-replay: replays the operations of a trace on the allocator of this process. It allocates
 * nothing else: its data are in memory that it shares with the command, and it uses no stdio. */
#ifndef MALLOW_REPLAY_PLAYER_H
#define MALLOW_REPLAY_PLAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "replay/replay_layout.h"

struct player {
    struct replay_head *head;
    struct replay_thread *threads;
    struct replay_epoch *epochs;
    void **slots; /* live blocks */
    const uint64_t *chunks;
};

extern struct player player;

/* ---- player_thread.c ---- */

/* Runs the operations of a thread; the first one calls `end_epoch` at the end of each epoch, when
 * all others have ended it. */
void player_run(struct replay_thread *thread, void (*end_epoch)(uint32_t epoch));

/* Wait until the word is, or is not, the value; wake those who wait. */
void player_wait_until(_Atomic uint32_t *word, uint32_t value);
void player_wake(_Atomic uint32_t *word);

/* ---- player_call.c ---- */

/* A call of the malloc family. */
struct player_call {
    enum replay_op op;
    uint64_t size;
    uint64_t alignment; /* 0: that of malloc */
};

/* Makes the call: `block` is the old block, or NULL. Returns the new block, or NULL. */
void *player_call(const struct player_call *call, void *block);

/* ---- player_measure.c ---- */

/* Reads the clock of short times. */
uint64_t player_ticks(void);

/* Returns the anonymous resident memory of the process in bytes. */
uint64_t player_resident(void);

void player_start_clock(void);
void player_stop_clock(void);

/* Ends the process with a message. */
_Noreturn void player_fail(const char *message);

#endif
