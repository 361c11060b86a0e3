/* Reads what the kernel knows about the process's pages (proc_pid_pagemap(5)). */
#ifndef MALLOW_PAGEMAP_H
#define MALLOW_PAGEMAP_H

#include <stdbool.h>
#include <stdint.h>

#define PAGEMAP_THERE ((uint64_t)3 << 62)   /* two bits: in memory, or swapped */
#define PAGEMAP_SWAPPED ((uint64_t)1 << 62) /* the bit for swapped pages */
#define PAGEMAP_ALONE ((uint64_t)1 << 56)   /* in memory, and no other process has the page */

#define PAGEMAP_WINDOW 128u

struct pagemap {
    bool open;
    int fd;
    uintptr_t first; /* page number of entry[0] */
    uint64_t entry[PAGEMAP_WINDOW];
};

/* Returns false if the kernel does not provide this information. */
bool pagemap_open(struct pagemap *map);
void pagemap_close(struct pagemap *map);

/* Sets *entry to the pagemap entry (the bits above) of the page that the address is in. Entries are
 * read in windows, so that a call for a nearby page usually needs no system call. Returns false if
 * the entry cannot be read. */
bool pagemap_at(struct pagemap *map, uintptr_t address, uint64_t *entry);

#endif
