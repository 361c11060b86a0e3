/*
 * The part of a thread's stack that is known to be readable.
 *
 * A damaged stack must not make its reader fault. Each page is probed once, from the stack pointer
 * upwards, but never beyond an address that cannot be in the stack (the thread's descriptor, or the
 * strings above the first stack). The result is remembered, because the pages stay while the thread
 * runs on that stack.
 */
#ifndef MALLOW_REACH_H
#define MALLOW_REACH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "stack/machine.h"

struct reach {
    uintptr_t low, room; /* a word can be read at the `room` addresses from `low` on */
    uintptr_t limit;     /* nothing at or above this address is probed */
    uintptr_t thread;    /* thread pointer of the thread */
};

/* Prepares for reading the stack from a stack pointer upwards. If the pointer has overrun its
 * stack, reading begins at the lowest readable page above it. Returns false if this is another
 * stack than before. */
static inline bool reach_enter(struct reach *reach, uintptr_t sp);

/* The slow path of reach_enter. */
bool reach_enter_other(struct reach *reach, uintptr_t sp);

/* The slow path of reach_covers: probes pages if necessary. */
bool reach_extend(struct reach *reach, uintptr_t at);

/* Returns true if the word at `at` is known to be readable. */
static inline bool reach_has(const struct reach *reach, uintptr_t at) {
    return at - reach->low < reach->room;
}

static inline bool reach_enter(struct reach *reach, uintptr_t sp) {
    bool there = reach->thread == thread_pointer() && reach_has(reach, sp);
    return likely(there) || reach_enter_other(reach, sp);
}

/* Returns true if the word at `at` is readable and may be read by stack_word. */
static inline bool reach_covers(struct reach *reach, uintptr_t at) {
    return likely(reach_has(reach, at)) || reach_extend(reach, at);
}

/* Reads a word of any memory. Returns false if it is not readable. */
bool reach_read(struct reach *reach, uintptr_t at, uintptr_t *word);

/* Reads a word in reach. Sanitizers are off, because saved registers look uninitialised or racy to
 * them. */
__attribute__((no_sanitize("thread", "address", "undefined"))) static inline uintptr_t
stack_word(uintptr_t at) {
    return *(const volatile uintptr_t *)at;
}

#endif
