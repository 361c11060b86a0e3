/*
 * The log of mtrace(3), in the format of the GNU C library: the file, its lines, and the observer
 * that writes them. The observer (check/observed.h) sees each call at a time when no other thread
 * can get the same address for another block: after a block is allocated, before a block is freed,
 * and, when realloc moves a block, before the old block is freed.
 */
#ifndef MALLOW_MTRACE_LOG_H
#define MALLOW_MTRACE_LOG_H

#include <stdbool.h>

#include "check/observed.h"

/* Opens the log if it is not open. Returns false if it cannot be written. */
bool mtrace_log_open(const char *name);

/* Writes the last line and closes the log. */
void mtrace_log_close(void);

/* Writes the buffered lines. */
void mtrace_log_flush(void);

/* Writes each later line at once, because nothing will flush the buffer. */
void mtrace_log_write_at_once(void);

/* Called in the child of a fork, where the log belongs to the parent. Closes it. */
void mtrace_log_after_fork(void);

/* The observer that writes a line for each call. */
extern const struct observer mtrace_observer;

#endif
