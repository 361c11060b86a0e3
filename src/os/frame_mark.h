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

#define FRAME_MARK_WORDS 4u

struct frame_mark {
    _Alignas(sizeof(void *)) _Atomic uint32_t word[FRAME_MARK_WORDS];
};

static inline uint32_t frame_mark_word(uint64_t value, unsigned i) {
    return (uint32_t)(value >> i % 2 * 32) ^ 0x9e3779b9u * (i + 1);
}

static inline void frame_mark_set(struct frame_mark *mark, uint64_t value) {
    for (unsigned i = 0; i < FRAME_MARK_WORDS; i++)
        atomic_store_explicit(&mark->word[i], frame_mark_word(value, i), memory_order_relaxed);
    signal_order();
}

static inline void frame_mark_clear(struct frame_mark *mark) {
    for (unsigned i = 0; i < FRAME_MARK_WORDS; i++)
        atomic_store_explicit(&mark->word[i], 0, memory_order_relaxed);
}

/* Whether the mark is not what it was set to, or cannot be read. */
bool frame_mark_is_damaged(const struct frame_mark *mark, uint64_t value);

/* The same for a mark that the calling thread has set, if `here` is in its own frame. */
bool frame_mark_is_gone(const struct frame_mark *mark, uint64_t value, const void *here);

#endif
