/* Opens files whose names come from an untrusted process. */
#ifndef MALLOW_ELF_FILE_H
#define MALLOW_ELF_FILE_H

#include <stdbool.h>

/* A descriptor for a regular file that begins as a program or a shared object, else -1. Never
 * waits, as opening a pipe does, and opens no device. */
int elf_file_open(const char *path);

/* Whether opening the file in the directory cannot wait either: it is regular or does not exist. */
bool elf_file_cannot_block(const char *directory, const char *name);

#endif
