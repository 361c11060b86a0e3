/*
 * The log: where messages, reports and the summary go. It is standard error, or the file that
 * MALLOW_OPTIONS log= names.
 *
 * A program may close every descriptor and open files of its own instead, as daemons do. The file's
 * descriptor is therefore a high number, and each write first makes sure that it is still the
 * file's. If it is not, the file is opened again by its name; if the name now means another file,
 * or none, nothing is written.
 */
#ifndef MALLOW_LOG_H
#define MALLOW_LOG_H

#include <stddef.h>

struct text;

#define LOG_PATH_MAX 4096u

/* At start: the log is this file from now on, which is created if need be. Returns 0, or the error
 * number that says why it stays what it was. */
int log_open(const char *path);

/* From now on the log is whatever this descriptor is when something is written. */
void log_use(int fd);

/* Never ends the process, also where nobody reads what standard error leads to. */
void log_write(const char *bytes, size_t count);

/* Ends the text by a newline and writes it to the log. */
void log_line(struct text *text);

/* The calling thread has a table of descriptors of its own, in which the log's number means
 * something else: it opens the log anew for each write. */
void log_leave_table(void);

#endif
