/* Files of a process in /proc. */
#ifndef MALLOW_PROC_H
#define MALLOW_PROC_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct proc_path {
    char text[96];
};

/* Returns the path /proc/PID/NAME. */
struct proc_path proc_path(pid_t process, const char *name);

/* Opens /proc/PID/NAME; returns NULL if that is not possible. */
FILE *proc_open(pid_t process, const char *name);

/* Copies the line of /proc/PID/status that begins with `field`. Returns false, and an empty line,
 * if there is none. */
#define PROC_LINE_SIZE 1024
bool proc_status_line(pid_t process, const char *field, char line[static PROC_LINE_SIZE]);

/* Returns the last number of such a line, or -1. */
long proc_status_number(pid_t process, const char *field);

#endif
