/* Counts of large blocks by size, for statistics: of those with a mapping of their own and of
 * guarded ones. */
#ifndef MALLOW_MAPPING_COUNTS_H
#define MALLOW_MAPPING_COUNTS_H

#include <stddef.h>
#include <stdint.h>

#define MAPPING_DOUBLINGS 48u

struct mapping_counts {
    size_t count, bytes, count_max, bytes_max;
    uint32_t of_doubling[MAPPING_DOUBLINGS]; /* [i]: those of 2^i to 2^(i+1)-1 bytes */
};

/* A block comes or goes. */
void mapping_counts_add(struct mapping_counts *counts, size_t bytes);
void mapping_counts_remove(struct mapping_counts *counts, size_t bytes);

#endif
