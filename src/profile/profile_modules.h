/*
 * The MODULES blocks of a profile: the files whose code is on a stack, with their build IDs. They
 * come from /proc/self/maps and from memory, so no lock of the loader is taken. Only one thread at
 * a time may call these functions.
 */
#ifndef MALLOW_PROFILE_MODULES_H
#define MALLOW_PROFILE_MODULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A program with more modules lacks the names of some functions. */
#define MODULES_MAX 4096u

/* A mapping of a file's code. */
struct profile_module {
    uintptr_t start, end;
    uint64_t hash; /* of its address range and its file */
    bool needed, written;
};

/* The modules of a section; zero at first. */
struct profile_modules {
    unsigned now;                               /* which list describes the current mappings */
    size_t count[2];                            /* modules in each list */
    struct profile_module list[2][MODULES_MAX]; /* by address */
};

/* Looks at the mappings again. */
void profile_modules_look(struct profile_modules *modules);

/* Notes that the return address `pc` is on a stack. */
void profile_modules_need(struct profile_modules *modules, uintptr_t pc);

/* Writes the modules that were needed and have not been written since they were mapped. */
void profile_modules_write(struct profile_modules *modules);

/* Forgets what was written. */
void profile_modules_forget(struct profile_modules *modules);

#endif
