/* Adds functions and lines to the stack frames in a text. */
#ifndef MALLOW_SYMBOLIZE_H
#define MALLOW_SYMBOLIZE_H

#include <stdbool.h>
#include <stdio.h>

#include "proc/process_map.h"

struct symbolize_task {
    FILE *from, *to;
    /* The map of the process that the frames belong to: their addresses determine the files. If it
     * is NULL, the frames name the files. */
    const struct process_map *map;
    bool flush_lines; /* write each line as soon as it is read */
};

/* Copies the text and replaces its frames. Each frame becomes one line that does not end in
 * "(inlined)", preceded by one line that does for each function that is inlined there. Ends the
 * command with a message if the text cannot be copied. */
void symbolize_text(const struct symbolize_task *task);

#endif
