/*
 * MALLOW_OPTIONS symbolizer=PATH: text with stack frames reaches the log through the command PATH,
 * which gives them functions and lines; as it is where that cannot be, for instance because the
 * program has shut itself in since it started.
 */
#ifndef MALLOW_SYMBOLIZER_H
#define MALLOW_SYMBOLIZER_H

#include "config.h"

/* At start. The path stays the caller's. */
void symbolizer_set(const char *path);

/* What to write a text to, and what to do when it is complete. */
int symbolizer_begin(void);
void symbolizer_end(int file);

#endif
