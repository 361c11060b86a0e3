/* Counts of live blocks by size, for statistics: blocks with a mapping of their own, and guarded
 * blocks. */
#ifndef MALLOW_MAPPING_COUNTS_H
#define MALLOW_MAPPING_COUNTS_H

#include <stddef.h>
#include <stdint.h>

#define MAPPING_DOUBLINGS 48u

struct mapping_counts {
    size_t count, bytes, count_max, bytes_max;
    uint32_t of_doubling[MAPPING_DOUBLINGS]; /* [i]: blocks of 2^i to 2^(i+1)-1 bytes */
};

/* Counts a block that is made, or freed. */
void mapping_counts_add(struct mapping_counts *counts, size_t bytes);
void mapping_counts_remove(struct mapping_counts *counts, size_t bytes);

#endif
