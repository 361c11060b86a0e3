/* mallow import: writes the events in a file of another tool as a trace. */
#ifndef MALLOW_IMPORT_H
#define MALLOW_IMPORT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "trace_writer.h"

/* The exit status for a file that cannot be read or is not one of a known tool. */
#define EXIT_BAD_IMPORT 2

/* A file that is read line by line. */
struct import_file {
    const char *path;
    FILE *from;
    size_t line; /* the number of the current one */
    char *text;
    size_t length, room;
};

/* Ends the command with a message that names the file and the line. */
_Noreturn void import_refuse(const struct import_file *file, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Reads the next line, without its end. Returns false at the end, and after a line that was cut
 * off, with a warning. */
bool import_next_line(struct import_file *file);

/* Begins a trace of one process and one thread. */
struct trace_writer *import_begin(int fd, const struct mallow_trace_facts *facts,
                                  const struct mallow_trace_process *process);

/* Adds an event. Ends the command if it cannot be written. */
void import_add(struct trace_writer *writer, const struct mallow_trace_event *event);

/* Reads a file of heaptrack, whose first line was read. */
struct trace_writer *import_heaptrack(struct import_file *file, int fd);

/* Reads a log of mtrace(3). */
struct trace_writer *import_mtrace(const char *path, int fd);

#endif
