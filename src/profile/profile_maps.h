/* Reads the mappings of this process. Only one thread at a time may call it. */
#ifndef MALLOW_PROFILE_MAPS_H
#define MALLOW_PROFILE_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct profile_mapping {
    uintptr_t start, end;
    uint64_t offset; /* in the file */
    bool executable;
    const char *path; /* of a file, or a name such as [vdso]; "": anonymous memory */
    size_t path_bytes;
};

/* Calls `call` for each mapping, in ascending order. */
void profile_maps_each(void (*call)(void *to, const struct profile_mapping *mapping), void *to);

#endif
