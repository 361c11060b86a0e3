/* A chained hash map from strings to values that grows by doubling, like the tables of
 * interpreters. */
#include "bench.h"
#include "workloads.h"

enum { ENTRIES = 50000, CHANGES = 150000 };

struct magazine_entry {
    struct magazine_entry *next;
    uint64_t key;
    char *name;
    void *value;
};

struct map {
    struct magazine_entry **buckets;
    size_t capacity, count;
};

static struct magazine_entry **bucket_of(struct map *map, uint64_t key) {
    return &map->buckets[key * 0x9e3779b97f4a7c15u & (map->capacity - 1)];
}

static void grow(struct map *map) {
    struct map old = *map;
    map->capacity = old.capacity * 2;
    map->buckets = heap_zeroed(map->capacity, sizeof *map->buckets);
    for (size_t i = 0; i < old.capacity; i++) {
        for (struct magazine_entry *entry = old.buckets[i], *next; entry; entry = next) {
            next = entry->next;
            struct magazine_entry **bucket = bucket_of(map, entry->key);
            entry->next = *bucket;
            *bucket = entry;
        }
    }
    heap_free(old.buckets);
}

static void insert(struct map *map, uint64_t key, struct rng *rng) {
    if (map->count == map->capacity) grow(map);
    struct magazine_entry *entry = heap_alloc(sizeof *entry);
    entry->key = key;
    entry->name = block_new(rng_between(rng, 6, 40));
    entry->value = block_new(rng_size(rng));
    struct magazine_entry **bucket = bucket_of(map, key);
    entry->next = *bucket;
    *bucket = entry;
    map->count++;
}

static void drop(struct magazine_entry *entry) {
    block_drop(entry->name);
    block_drop(entry->value);
    heap_free(entry);
}

static int remove_key(struct map *map, uint64_t key) {
    struct magazine_entry **link = bucket_of(map, key);
    while (*link && (*link)->key != key) link = &(*link)->next;
    struct magazine_entry *entry = *link;
    if (!entry) return 0;
    *link = entry->next;
    drop(entry);
    map->count--;
    return 1;
}

static void tear_down(struct map *map) {
    for (size_t i = 0; i < map->capacity; i++) {
        for (struct magazine_entry *entry = map->buckets[i], *next; entry; entry = next) {
            next = entry->next;
            drop(entry);
        }
    }
    heap_free(map->buckets);
}

void hash(size_t steps) {
    struct rng rng = {4};
    for (; steps > 0; steps--) {
        struct map map = {.buckets = heap_zeroed(16, sizeof *map.buckets), .capacity = 16};
        for (uint64_t key = 0; key < ENTRIES; key++) insert(&map, key, &rng);
        for (size_t i = 0; i < CHANGES; i++) {
            uint64_t key = rng_below(&rng, 2 * ENTRIES);
            if (!remove_key(&map, key)) insert(&map, key, &rng);
        }
        tear_down(&map);
    }
}
