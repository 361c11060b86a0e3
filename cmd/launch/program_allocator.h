/* Finds out which allocator a program uses without Mallow. */
#ifndef MALLOW_PROGRAM_ALLOCATOR_H
#define MALLOW_PROGRAM_ALLOCATOR_H

/* Returns the name of the allocator's library if the program is linked with one that is known, such
 * as libjemalloc.so.2, or else "glibc". The caller frees it. */
char *program_allocator(const char *path);

#endif
