/* The size of the process's address space. */
#ifndef MAPPED_H
#define MAPPED_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Returns the size in bytes. */
static inline uint64_t mapped(void) {
    unsigned long long pages;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (statm == NULL || fscanf(statm, "%llu", &pages) != 1) abort();
    fclose(statm);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

#endif
