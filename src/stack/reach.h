/*
 * The part of a thread's stack that is known to be readable.
 *
 * A damaged stack must not make its reader fault. Pages are asked for once, from the stack pointer
 * upwards and never beyond what certainly is the end (the thread's descriptor, the first stack's
 * strings), and then remembered: as long as the thread runs on that stack, they stay.
 */
#ifndef MALLOW_REACH_H
#define MALLOW_REACH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "stack/machine.h"

struct reach {
    uintptr_t low, room; /* a word can be read at `room` addresses from low on */
    uintptr_t limit;     /* no more beyond it */
    uintptr_t thread;
};

/* Begins at a stack pointer, or close above one that has left its stack. False when this is another
 * stack than before. */
static inline bool reach_enter(struct reach *reach, uintptr_t sp);
bool reach_enter_other(struct reach *reach, uintptr_t sp);

/* Whether the word there is in reach, after asking for pages if need be. */
bool reach_extend(struct reach *reach, uintptr_t at);

static inline bool reach_has(const struct reach *reach, uintptr_t at) {
    return at - reach->low < reach->room;
}

static inline bool reach_enter(struct reach *reach, uintptr_t sp) {
    bool there = reach->thread == thread_pointer() && reach_has(reach, sp);
    return likely(there) || reach_enter_other(reach, sp);
}

static inline bool reach_covers(struct reach *reach, uintptr_t at) {
    return likely(reach_has(reach, at)) || reach_extend(reach, at);
}

/* Reads a word of any memory. */
bool reach_read(struct reach *reach, uintptr_t at, uintptr_t *word);

/* Of memory in reach. A sanitizer has nothing to say about saved registers. */
__attribute__((no_sanitize("thread", "address", "undefined"))) static inline uintptr_t
stack_word(uintptr_t at) {
    return *(const volatile uintptr_t *)at;
}

#endif
