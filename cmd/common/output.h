/* Where a subcommand writes: standard output, or a file that appears when it is complete. */
#ifndef MALLOW_OUTPUT_H
#define MALLOW_OUTPUT_H

#include <stdio.h>

struct output {
    const char *name; /* for messages */
    char *target;     /* NULL: nothing is replaced */
    char *temporary;  /* becomes the target */
    FILE *to;
};

/* Opens a temporary file next to the path, or standard output if the path is NULL or "-". What is
 * not a regular file is written to. Ends the command with a message if that fails. */
struct output output_open(const char *path);

/* Writes what is left, and gives the file its name. Ends the command with a message if that fails;
 * an older file then stays as it is. */
void output_close(struct output *output);

#endif
