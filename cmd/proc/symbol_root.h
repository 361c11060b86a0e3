/* The directory with the files of another machine or container, whose profile is read. */
#ifndef MALLOW_SYMBOL_ROOT_H
#define MALLOW_SYMBOL_ROOT_H

/* Sets the directory. Ends the command with a message if it is not a directory. */
void symbol_root_set(const char *directory);

/* Returns the directory's absolute path, or NULL if none is set. */
const char *symbol_root(void);

#endif
