/* Opens files whose names come from an untrusted process. */
#ifndef MALLOW_ELF_FILE_H
#define MALLOW_ELF_FILE_H

#include <stdbool.h>

/* Opens a regular file that begins like a program or a shared object, and returns the descriptor,
 * or -1. Never blocks, as opening a pipe would, and opens no device. */
int elf_file_open(const char *path);

/* Returns true if opening the file in the directory cannot block either, because the file is
 * regular or does not exist. */
bool elf_file_cannot_block(const char *directory, const char *name);

#endif
