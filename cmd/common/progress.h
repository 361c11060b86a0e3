/* A progress bar on standard error, if that is a terminal and the work takes more than a second. */
#ifndef MALLOW_PROGRESS_H
#define MALLOW_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    const char *what;
    size_t total, done;
    int64_t next; /* when the bar is drawn again */
    bool can_draw, is_drawn;
};

void progress_begin(struct progress *progress, const char *what, size_t total);

/* Records that one more of the `total` parts is done. */
void progress_step(struct progress *progress);

/* Removes the bar, at the end or before a message. A later step draws it again. */
void progress_hide(struct progress *progress);

#endif
