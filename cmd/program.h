/* The program to run: where it is, and whether a library can be preloaded into it. */
#ifndef MALLOW_PROGRAM_H
#define MALLOW_PROGRAM_H

/* The path of the program as execvp(3) finds it, allocated.
 * Ends the process with a message and status 126 or 127 when there is none. */
char *program_find(const char *name);

/* Ends the process with a message and status 125 when the loader would not preload a library
 * into the program, or into the interpreter that its first line names, or into the program that it
 * is to load if it is the loader itself. arguments: the program's, from its name on. */
void program_require_preloadable(const char *path, char **arguments);

#endif
