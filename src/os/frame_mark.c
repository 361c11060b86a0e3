#include "os/frame_mark.h"

#include "os/os.h"

/* A mark that lies so little below our frame is gone, whatever stack it was on: what our caller
 * goes on to do needs that much of the stack. */
#define FRAME_NEAR 512u

#define WORDS \
    (sizeof(struct frame_mark) / sizeof(uint32_t)) /* what the kernel compares at a time */

/* The kernel compares, for the stack may not be there any more. */
bool frame_mark_is_damaged(const struct frame_mark *mark, uint64_t value) {
    union {
        uint64_t half[2];
        uint32_t word[WORDS];
    } expected = {{frame_mark_half(value, 0), frame_mark_half(value, 1)}};
    const _Atomic uint32_t *word = (const _Atomic uint32_t *)(const void *)mark;
    for (unsigned i = 0; i < WORDS; i++)
        if (!os_still_holds(&word[i], expected.word[i])) return true;
    return false;
}

bool frame_mark_is_gone(const struct frame_mark *mark, uint64_t value, const void *here) {
    uintptr_t nearest = (uintptr_t)here - FRAME_NEAR;
    return (uintptr_t)mark - nearest < FRAME_NEAR + sizeof *mark ||
           frame_mark_is_damaged(mark, value);
}
