/* A hash table from 64-bit keys to 32-bit numbers. */
#ifndef MALLOW_INDEX_MAP_H
#define MALLOW_INDEX_MAP_H

#include <stddef.h>
#include <stdint.h>

/* Initialized to zero, or by index_map_clear(). */
struct index_map {
    struct index_map_entry *entries;
    size_t count, room; /* the room is 0 or a power of two */
};

/* Returns the place of the key's number, which is 0 if the key is new. The caller then stores a
 * number that is not 0. The place is valid until the next call. */
uint32_t *index_map_add(struct index_map *map, uint64_t key);

/* Returns the key's number, or 0 if there is none. */
uint32_t index_map_find(const struct index_map *map, uint64_t key);

void index_map_clear(struct index_map *map);

/* Returns one key for two numbers. */
static inline uint64_t index_map_pair(uint32_t high, uint32_t low) {
    return (uint64_t)high << 32 | low;
}

#endif
