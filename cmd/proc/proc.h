/* Files of a process in /proc. */
#ifndef MALLOW_PROC_H
#define MALLOW_PROC_H

#include <stdbool.h>
#include <stdint.h>
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

/* Does the same for an open file, which it closes, or NULL. */
bool proc_find_line(FILE *file, const char *field, char line[static PROC_LINE_SIZE]);

/* Returns the last number of such a line, or -1. */
long proc_status_number(pid_t process, const char *field);

/* Fields of /proc/PID/stat, counted from 1. */
enum { STAT_START_TIME = 22, STAT_START_STACK = 28, STAT_START_BREAK = 47 };

/* Returns a number of /proc/PID/stat, or 0. */
uint64_t proc_stat_number(pid_t process, int field);

#endif
