/*
 * The log receives messages, reports and the summary. It is standard error, or the file that
 * MALLOW_OPTIONS log= names.
 *
 * A program may close every descriptor and open files of its own instead, as daemons do. The file's
 * descriptor is therefore a high number, and each write first checks that it still refers to the
 * file. If it does not, the file is opened again by its name. If the name now means another file or
 * none, nothing is written.
 */
#ifndef MALLOW_LOG_H
#define MALLOW_LOG_H

#include <stdbool.h>
#include <stddef.h>

struct text;

#define LOG_PATH_MAX 4096u

/* Called at the start: makes this file the log, and creates it if it does not exist. Returns 0, or
 * an error number if the log stays as it was. */
int log_open(const char *path);

/* From now on the log is the file that this descriptor refers to at the time of each write. */
void log_use(int fd);

/* Writes to the log. Does not end the process by SIGPIPE if the log is a pipe without a reader. */
void log_write(const char *bytes, size_t count);

/* Ends the text with a newline and writes it to the log. */
void log_line(struct text *text);

/* Makes the calling thread open the log for each write. A thread that has a table of descriptors of
 * its own calls this, because the log's number means another file there. */
void log_leave_table(void);

/* Returns true if the calling thread has done so. */
bool log_has_left_table(void);

#endif
