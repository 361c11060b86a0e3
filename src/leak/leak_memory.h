/*
 * The memory of a copied process: its mappings, and safe reading from any of them. Used only in the
 * copy, which maps its own memory with leak_map.
 */
#ifndef MALLOW_LEAK_MEMORY_H
#define MALLOW_LEAK_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Maps zeroed memory for the check itself, which is not searched. Returns NULL if there is none. */
void *leak_map(size_t bytes);

/* Calls `call` with each range of that memory. */
void leak_each_own(void (*call)(uintptr_t start, uintptr_t end));

struct leak_region {
    uintptr_t start, end;
    const char *name; /* ends with a newline; empty for anonymous memory */
    bool readable, writable, executable, shared;
    bool opened; /* inaccessible in the process, but made readable in the copy */
};

/* Returns true for shared memory, whose name is not that of a file on a disk. */
bool leak_is_shared_memory(const struct leak_region *region);

/* Returns the mappings of the process, sorted by address, or NULL if they are unknown. The first
 * call reads them, so later mappings are missing. */
const struct leak_region *leak_regions(size_t *count);

/* Returns the mapping that contains the address, or NULL. Needs a previous call of leak_regions. */
const struct leak_region *leak_region_around(uintptr_t address);

/* Like leak_region_around, but returns NULL unless the mapping is of a file. */
const struct leak_region *leak_region_of(uintptr_t address);

/* Selects the pages to read. Reading an untouched page would make the kernel allocate memory for
 * it. */
enum leak_pages {
    LEAK_ALL,
    LEAK_TOUCHED, /* pages for which the process has memory */
    LEAK_CACHED,  /* for shared memory: pages for which any process has memory */
};

/* Calls `call` with the address of each word of [from, to) on such a page. The callback reads the
 * word; pages where this faults are skipped. */
void leak_each_word(uintptr_t from, uintptr_t to, enum leak_pages pages,
                    void (*call)(const uintptr_t *at));

/* Reads up to `bytes`. Returns the number of bytes before the first that cannot be read. */
size_t leak_read(uintptr_t from, void *to, size_t bytes);

#endif
