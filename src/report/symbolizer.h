/*
 * MALLOW_OPTIONS symbolizer=PATH: text with stack frames reaches the log by way of the command
 * PATH, which adds functions and lines. The text is written as it is if the command cannot run,
 * fails, prints nothing or does not end in time; also if PATH now means another file than at the
 * start, or if the program has put itself under system call filters since.
 */
#ifndef MALLOW_SYMBOLIZER_H
#define MALLOW_SYMBOLIZER_H

#include <stddef.h>

/* At start. The caller keeps the path. */
void symbolizer_set(const char *path);

/* Begins a text; what it returns is for the two functions below. */
int symbolizer_begin(void);

/* The sink of the text (text.h). */
void symbolizer_write(void *file, const char *bytes, size_t count);

/* Ends the text, which then reaches the log. Signals must be blocked. */
void symbolizer_end(int file);

/* Instead of the end: the text goes to the log as it is, without another process. */
void symbolizer_give_up(int file);

#endif
