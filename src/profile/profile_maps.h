/* Reads the mappings of this process. Only one thread at a time may call it. */
#ifndef MALLOW_PROFILE_MAPS_H
#define MALLOW_PROFILE_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mallow_profile.h"

struct profile_mapping {
    uintptr_t start, end;
    uint64_t offset; /* in the file */
    bool readable, writable, executable, shared;
    const char *path; /* of a file, or a name such as [vdso]; "": anonymous memory */
    size_t path_bytes;
    bool is_measured;                             /* the figures are known */
    uint64_t kib[MALLOW_PROFILE_MAPPING_FIGURES]; /* in the order of mallow_profile_mapping_parts */
};

/* Calls `call` for each mapping, in ascending order. No mapping is measured. */
void profile_maps_each(void (*call)(void *to, const struct profile_mapping *mapping), void *to);

/* Like profile_maps_each, with the figures, unless the kernel refuses them. Takes longer: the
 * kernel looks at each page. */
void profile_maps_measure(void (*call)(void *to, const struct profile_mapping *mapping), void *to);

#endif
