/* What the kernel tells of the process's pages (proc_pid_pagemap(5)). */
#ifndef MALLOW_PAGEMAP_H
#define MALLOW_PAGEMAP_H

#include <stdbool.h>
#include <stdint.h>

#define PAGEMAP_THERE ((uint64_t)3 << 62)   /* in memory, or swapped */
#define PAGEMAP_SWAPPED ((uint64_t)1 << 62) /* of these alone */
#define PAGEMAP_ALONE ((uint64_t)1 << 56)   /* no other process has it: also after a fork */

#define PAGEMAP_WINDOW 128u

struct pagemap {
    bool open;
    int fd;
    uintptr_t first; /* page number of entry[0] */
    uint64_t entry[PAGEMAP_WINDOW];
};

/* False where the kernel does not tell. */
bool pagemap_open(struct pagemap *map);
void pagemap_close(struct pagemap *map);

/* The bits above of the page that the address is in. Neighbours are read with it; what was read is
 * not read again while the next question is near. False when it cannot be read. */
bool pagemap_at(struct pagemap *map, uintptr_t address, uint64_t *entry);

#endif
