/*
 * Other paths of Mallow's own files, for lists that cannot express every path: LD_PRELOAD separates
 * paths by spaces and colons and replaces $LIB and the like, MALLOW_OPTIONS separates settings by
 * commas.
 */
#ifndef MALLOW_ALIAS_H
#define MALLOW_ALIAS_H

/* The path, or if one of the characters is in it another path of the same file, through a symbolic
 * link in /tmp/mallow-UID; allocated. The link stays: processes that the program starts need it for
 * as long as they live. Ends the command with a message if the link cannot be made. */
char *alias_without(const char *path, const char *characters);

#endif
