/* Finds the program to run and checks that a library can be preloaded into it. */
#ifndef MALLOW_PROGRAM_H
#define MALLOW_PROGRAM_H

/* Returns the path of the program as execvp(3) finds it; the caller frees it. If there is no such
 * program, ends the command with a message and exit status 126 or 127. */
char *program_find(const char *name);

/* Ends the command with a message and exit status 125 if the loader would not preload a library
 * into the program. If the program is a script, its interpreter counts; if it is the loader itself,
 * the program that it loads counts, too. `arguments` are the program's, with its name first. */
void program_require_preloadable(const char *path, char **arguments);

#endif
