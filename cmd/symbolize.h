/* Stack frames in a text become functions and lines. */
#ifndef MALLOW_SYMBOLIZE_H
#define MALLOW_SYMBOLIZE_H

#include <stdbool.h>
#include <stdio.h>

#include "process_map.h"

struct symbolize_task {
    FILE *from, *to;
    /* The process that the frames are of: their addresses say which of its files are read. NULL:
     * the frames name the files. */
    const struct process_map *map;
    bool flush_lines; /* each line is answered at once */
};

/* Copies the text with its frames replaced. Each frame becomes one line that does not end in
 * "(inlined)", after a line that does for each function that was inlined there. Ends the command
 * with a message when the text cannot be copied. */
void symbolize_text(const struct symbolize_task *task);

#endif
