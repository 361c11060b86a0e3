#include "os/frame_mark.h"

#include "os/os.h"

/* A mark at most this many bytes below the caller's frame counts as gone: the caller will soon
 * overwrite that part of the stack. */
#define FRAME_NEAR 512u

/* The kernel compares one word at a time. */
#define WORDS (sizeof(struct frame_mark) / sizeof(uint32_t))

/* The kernel reads the words, because the stack may have been unmapped. */
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
