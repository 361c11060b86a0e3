/*
 * The memory of a copied process: what is mapped, and reading it whatever it is. For the copy
 * alone, whose own memory is mapped by leak_map.
 */
#ifndef MALLOW_LEAK_MEMORY_H
#define MALLOW_LEAK_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed memory of the check's own, which is never looked at; NULL when there is none. */
void *leak_map(size_t bytes);

/* Calls back with each piece of it so far. */
void leak_each_own(void (*call)(uintptr_t start, uintptr_t end));

struct leak_region {
    uintptr_t start, end;
    const char *name; /* ended by a newline; empty for anonymous memory */
    bool readable, writable, executable, shared;
    bool opened; /* the process has no access, but the copy reads it */
};

/* Shared memory, which has a name without being a file on a disk. */
bool leak_is_shared_memory(const struct leak_region *region);

/* The mappings of the process, by address; NULL when they cannot be known. The first call reads
 * them; what is mapped later is not among them. */
const struct leak_region *leak_regions(size_t *count);

/* The one that the address is in, or NULL; after leak_regions. */
const struct leak_region *leak_region_around(uintptr_t address);

/* Where a code address is: NULL when in no file. */
const struct leak_region *leak_region_of(uintptr_t address);

/* Which pages are read. Reading a page that was never touched would bring it to memory. */
enum leak_pages {
    LEAK_ALL,
    LEAK_TOUCHED, /* those that the process has */
    LEAK_CACHED,  /* of shared memory: those that any process has */
};

/* Calls back with the address of each word of [from, to) on such a page, for it to be read there;
 * what cannot be read is left out. */
void leak_each_word(uintptr_t from, uintptr_t to, enum leak_pages pages,
                    void (*call)(const uintptr_t *at));

/* Up to `bytes` from there on; how many could be read. */
size_t leak_read(uintptr_t from, void *to, size_t bytes);

#endif
