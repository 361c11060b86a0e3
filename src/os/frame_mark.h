/*
 * A mark on the stack that proves that a function can no longer continue.
 *
 * While the function can continue, no other code writes to its frame. After a signal handler has
 * jumped away, a thread has ended or a coroutine is abandoned, the mark is overwritten or unmapped
 * sooner or later. An intact mark proves nothing, because it may not have been overwritten yet: the
 * caller must then act as if the function continues.
 *
 * Comparing addresses instead would need to know whether both frames are on one stack, which is a
 * system call (sigaltstack) that sandboxes do not allow.
 */
#ifndef MALLOW_FRAME_MARK_H
#define MALLOW_FRAME_MARK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/atomics.h"

struct frame_mark {
    _Atomic uint64_t half[2];
};

/* The value contains the mark's own address. No other code writes that value and its complement
 * next to each other by chance. */
static inline uint64_t frame_mark_half(uint64_t value, unsigned i) {
    return i == 0 ? value : ~value;
}

static inline void frame_mark_set(struct frame_mark *mark, uint64_t value) {
    atomic_store_explicit(&mark->half[0], frame_mark_half(value, 0), memory_order_relaxed);
    atomic_store_explicit(&mark->half[1], frame_mark_half(value, 1), memory_order_relaxed);
    signal_order();
}

/* Clearing one half is enough to damage the mark. */
static inline void frame_mark_clear(struct frame_mark *mark) {
    atomic_store_explicit(&mark->half[0], 0, memory_order_relaxed);
}

/* Returns true if the mark differs from the value that was set, or cannot be read. */
bool frame_mark_is_damaged(const struct frame_mark *mark, uint64_t value);

/* Like frame_mark_is_damaged, for a mark that the calling thread set. `here`: any address in the
 * caller's frame. A mark just below that frame counts as gone even if it is intact. */
bool frame_mark_is_gone(const struct frame_mark *mark, uint64_t value, const void *here);

#endif
