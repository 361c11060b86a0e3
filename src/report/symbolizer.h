/*
 * MALLOW_OPTIONS symbolizer=PATH: before text with stack frames is written to the log, the command
 * PATH adds functions and lines. The text is written unchanged if the command cannot run, fails,
 * prints nothing or does not end in time. This also happens if PATH no longer refers to the same
 * file as at the start, or if the program has installed system call filters since then.
 */
#ifndef MALLOW_SYMBOLIZER_H
#define MALLOW_SYMBOLIZER_H

#include <stddef.h>

/* Called at the start. The string must stay valid. */
void symbolizer_set(const char *path);

/* Begins a text. The result is passed to the functions below. */
int symbolizer_begin(void);

/* The sink of the text (text.h). */
void symbolizer_write(void *file, const char *bytes, size_t count);

/* Ends the text and writes it to the log. Signals must be blocked. */
void symbolizer_end(int file);

/* Called instead of symbolizer_end: writes the text to the log unchanged, without another
 * process. */
void symbolizer_give_up(int file);

#endif
