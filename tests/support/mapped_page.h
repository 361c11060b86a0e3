/* Asks the kernel whether a page is mapped. */
#ifndef MAPPED_PAGE_H
#define MAPPED_PAGE_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Returns true if something is mapped at p. */
static inline bool page_is_mapped(const void *p) {
    unsigned char resident;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    return mincore((void *)((uintptr_t)p & ~(page - 1)), page, &resident) == 0 || errno != ENOMEM;
}

#endif
