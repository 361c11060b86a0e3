/* Finds the mapping that an address is in. */
#ifndef MALLOW_MAPPED_H
#define MALLOW_MAPPED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mapped {
    uintptr_t start, end;
    const char *name; /* the file's path, or a name such as [stack]; "" is anonymous memory */
    size_t name_length;
};

/* Reads /proc/self/maps. Returns false if nothing is mapped at the address. Only one thread at a
 * time may call it. The name is valid until the next call. */
bool mapped_at(uintptr_t address, struct mapped *found);

/* Returns the path of the running program; "" if it is unknown. It differs from /proc/self/exe if
 * the loader was executed with the program as its argument. Only one thread at a time may call
 * it. */
const char *mapped_program_path(void);

#endif
