/*
 * Alternative paths to Mallow's own files, for lists that cannot contain every path: LD_PRELOAD
 * separates paths by spaces and colons and expands $LIB and similar tokens; MALLOW_OPTIONS
 * separates settings by commas.
 */
#ifndef MALLOW_ALIAS_H
#define MALLOW_ALIAS_H

/* Returns a path to the same file that contains none of the characters: a copy of `path`, or a path
 * through a symbolic link in /tmp/mallow-UID. The caller frees it. The link is never removed,
 * because processes that the program starts need it as long as they live. Ends the command with a
 * message if the link cannot be created. */
char *alias_without(const char *path, const char *characters);

#endif
