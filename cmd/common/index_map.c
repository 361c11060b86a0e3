#include "common/index_map.h"

#include <stdlib.h>
#include <sys/random.h>

#include "common/xalloc.h"

struct index_map_entry {
    uint64_t key;
    uint32_t number; /* 0: the entry is free */
};

/* Returns a random number, so that no file can contain keys that all collide. */
static uint64_t index_map_seed(void) {
    static uint64_t seed;
    if (seed == 0 && getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed) seed = 1;
    return seed | 1;
}

static struct index_map_entry *index_map_entry_of(const struct index_map *map, uint64_t key) {
    uint64_t hash = (key ^ key >> 32) * index_map_seed();
    hash = (hash ^ hash >> 29) * 0x9e3779b97f4a7c15u;
    size_t i = (size_t)(hash >> 32) & (map->room - 1);
    while (map->entries[i].number != 0 && map->entries[i].key != key) i = (i + 1) & (map->room - 1);
    return &map->entries[i];
}

static void index_map_grow(struct index_map *map) {
    struct index_map old = *map;
    map->room = old.room == 0 ? 64 : old.room * 2;
    map->entries = xcalloc(map->room, sizeof *map->entries);
    for (size_t i = 0; i < old.room; i++)
        if (old.entries[i].number != 0)
            *index_map_entry_of(map, old.entries[i].key) = old.entries[i];
    free(old.entries);
}

uint32_t *index_map_add(struct index_map *map, uint64_t key) {
    if (map->count >= map->room / 2) index_map_grow(map);
    struct index_map_entry *entry = index_map_entry_of(map, key);
    if (entry->number == 0) {
        map->count++;
        entry->key = key;
    }
    return &entry->number;
}

uint32_t index_map_find(const struct index_map *map, uint64_t key) {
    return map->room == 0 ? 0 : index_map_entry_of(map, key)->number;
}

void index_map_clear(struct index_map *map) {
    free(map->entries);
    *map = (struct index_map){.entries = NULL};
}
