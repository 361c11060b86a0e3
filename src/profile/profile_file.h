/*
 * The file that a process writes its profile to: FILE, or FILE.PID if another process writes to
 * FILE or has written to it, such as the parent of a fork. A program that another one of the same
 * process executed appends to the file of its process.
 *
 * A program may close every descriptor and open files of its own instead. The descriptor is
 * therefore a high number, and each time the file is opened again by its name if the number means
 * another file. All functions except profile_file_choose need a lock of the caller.
 */
#ifndef MALLOW_PROFILE_FILE_H
#define MALLOW_PROFILE_FILE_H

#include <stdbool.h>
#include <stdint.h>

/* Sets FILE. Returns false if the path is too long. */
bool profile_file_choose(const char *path);

/* Returns true if FILE is set. */
bool profile_file_is_chosen(void);

/* Opens the file and removes an incomplete block from its end. Stores the number of sections that
 * this process has written to it before. Returns 0 or an error number. */
int profile_file_open(uint32_t *sections);
bool profile_file_is_open(void);

/* Returns a descriptor for appending, or -1 if the file is gone. */
int profile_file_enter(void);

/* Ends the use of the descriptor. If `keep` is false, removes what was written to it. */
void profile_file_leave(int fd, bool keep);

/* In the child of a fork: closes the parent's file. The child has a file of its own. */
void profile_file_after_fork(void);

#endif
