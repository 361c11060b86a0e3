/*
 * A mark on the stack that proves whether a function can still go on.
 *
 * While it can, no other code writes to its frame. A signal handler that jumps away, a thread that
 * ends, a coroutine that is given up: each leaves the mark to be written over, or to be unmapped. A
 * mark that is as it was proves nothing, for it may not have been written over yet: whoever asks
 * must be able to work as if the function went on.
 *
 * Comparing addresses instead would need to know whether both frames are on one stack, which is a
 * system call (sigaltstack) that sandboxes do not allow.
 */
#ifndef MALLOW_FRAME_MARK_H
#define MALLOW_FRAME_MARK_H

#include <stdatomic.h>

#include "config.h"

struct frame_mark {
    _Atomic uint64_t half[2];
};

/* No program happens to write a value, which contains the mark's own address, and its complement
 * next to each other. */
static inline uint64_t frame_mark_half(uint64_t value, unsigned i) {
    return i == 0 ? value : ~value;
}

static inline void frame_mark_set(struct frame_mark *mark, uint64_t value) {
    atomic_store_explicit(&mark->half[0], frame_mark_half(value, 0), memory_order_relaxed);
    atomic_store_explicit(&mark->half[1], frame_mark_half(value, 1), memory_order_relaxed);
    signal_order();
}

/* One half is enough to damage it. */
static inline void frame_mark_clear(struct frame_mark *mark) {
    atomic_store_explicit(&mark->half[0], 0, memory_order_relaxed);
}

/* Whether the mark is not what it was set to, or cannot be read. */
bool frame_mark_is_damaged(const struct frame_mark *mark, uint64_t value);

/* The same for a mark that the calling thread has set, if `here` is in its own frame. */
bool frame_mark_is_gone(const struct frame_mark *mark, uint64_t value, const void *here);

#endif
