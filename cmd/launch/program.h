/* Finds the program to run and checks that a library can be preloaded into it. */
#ifndef MALLOW_PROGRAM_H
#define MALLOW_PROGRAM_H

/* Returns the path of the program as execvp(3) finds it; the caller frees it. If there is no such
 * program, ends the command with a message and exit status 126 or 127. */
char *program_find(const char *name);

/* Ends the command with a message and exit status 125 if the loader would not preload a library
 * into the program. The same applies to the interpreter of a script, and to the program that the
 * loader runs if `path` is the loader itself. `arguments` are the program's, with its name first.
 */
void program_require_preloadable(const char *path, char **arguments);

#endif
