/* The mapping that an address is in. */
#ifndef MALLOW_MAPPED_H
#define MALLOW_MAPPED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mapped {
    uintptr_t start, end;
    const char *name; /* the file's path, or [stack] and the like; "" is anonymous memory */
    size_t name_length;
};

/* Reads /proc/self/maps. False when nothing is mapped there. One caller at a time, who has the name
 * until the next call. */
bool mapped_at(uintptr_t address, struct mapped *found);

/* The path of the program that runs, which is not that of /proc/self/exe where the loader was
 * executed and the program is its argument; "" when it cannot be known. One caller at a time. */
const char *mapped_program_path(void);

#endif
