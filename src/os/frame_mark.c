#include "os/frame_mark.h"

#include "os/os.h"

/* A mark that lies so little below our frame is gone, whatever stack it was on: what our caller
 * goes on to do needs that much of the stack. */
#define FRAME_NEAR 512u

/* The kernel compares, for the stack may not be there any more. */
bool frame_mark_is_damaged(const struct frame_mark *mark, uint64_t value) {
    for (unsigned i = 0; i < FRAME_MARK_WORDS; i++)
        if (!os_still_holds(&mark->word[i], frame_mark_word(value, i))) return true;
    return false;
}

bool frame_mark_is_gone(const struct frame_mark *mark, uint64_t value, const void *here) {
    uintptr_t nearest = (uintptr_t)here - FRAME_NEAR;
    return (uintptr_t)mark - nearest < FRAME_NEAR + sizeof *mark ||
           frame_mark_is_damaged(mark, value);
}
