/*
 * The log of mtrace(3), in the format of the GNU C library's: its file, its lines, and the observer
 * that writes them. It sees each call (check/observed.h) at a time when no other thread can have
 * the address for another block: after an allocation, before a block is freed or, by realloc, left
 * for another one.
 */
#ifndef MALLOW_MTRACE_LOG_H
#define MALLOW_MTRACE_LOG_H

#include <stdbool.h>

#include "check/observed.h"

/* Opens the log, unless it is open; false if it cannot be written. */
bool mtrace_log_open(const char *name);

/* Writes the last line, and closes the log. */
void mtrace_log_close(void);

/* Writes what is in the buffer. */
void mtrace_log_flush(void);

/* From now on each line is written at once: nothing comes later that would flush the buffer. */
void mtrace_log_write_at_once(void);

/* In the child of a fork: the log remains its parent's. */
void mtrace_log_after_fork(void);

/* Writes a line for each call. */
extern const struct observer mtrace_observer;

#endif
