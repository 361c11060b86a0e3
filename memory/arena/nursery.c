#include "arena/nursery.h"

#include <stdatomic.h>
#include <stdint.h>

#include "base/chunk.h"

#define BLOCKS (CHUNK_BYTES / NURSERY_BYTES)
#define ALL_FREE (~(uint64_t)1) /* the ward itself occupies block 0 */

/* A ward is a chunk of first blocks, with this header. It stays mapped for later arenas. */
struct nursery_ward {
    _Atomic uint64_t free; /* one bit per block, 1 if it is free */
    struct nursery_ward *next;
};
_Static_assert(BLOCKS == 64, "a bit for each block");

static struct nursery_ward *_Atomic nursery_wards;

static void *nursery_take_from(struct nursery_ward *ward) {
    uint64_t free = atomic_load_explicit(&ward->free, memory_order_relaxed);
    while (free != 0) {
        unsigned block = (unsigned)__builtin_ctzll(free);
        if (atomic_compare_exchange_weak_explicit(&ward->free, &free, free & (free - 1),
                                                  memory_order_acquire, memory_order_relaxed))
            return (char *)ward + block * NURSERY_BYTES;
    }
    return NULL;
}

/* Aligns the ward to its size, so that nursery_give can find it from the address of a block. */
static struct nursery_ward *nursery_map_ward(const char *function) {
    char *start = chunk_take(CHUNK_ARENA, 2 * CHUNK_BYTES, function);
    if (start == NULL) return NULL;
    size_t lead = -(uintptr_t)start % CHUNK_BYTES;
    if (lead != 0) chunk_give(CHUNK_ARENA, start, lead);
    chunk_give(CHUNK_ARENA, start + lead + CHUNK_BYTES, CHUNK_BYTES - lead);
    struct nursery_ward *ward = (struct nursery_ward *)(void *)(start + lead);
    atomic_init(&ward->free, ALL_FREE & ~(uint64_t)2);
    return ward;
}

static void *nursery_grow(const char *function) {
    struct nursery_ward *ward = nursery_map_ward(function);
    if (ward == NULL) return NULL;
    ward->next = atomic_load_explicit(&nursery_wards, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&nursery_wards, &ward->next, ward,
                                                  memory_order_release, memory_order_relaxed)) {
    }
    return (char *)ward + NURSERY_BYTES; /* block 1, which is not marked free */
}

void *nursery_take(const char *function) {
    struct nursery_ward *ward = atomic_load_explicit(&nursery_wards, memory_order_acquire);
    for (; ward != NULL; ward = ward->next) {
        void *block = nursery_take_from(ward);
        if (block != NULL) return block;
    }
    return nursery_grow(function);
}

void nursery_give(void *block) {
    uintptr_t in_ward = (uintptr_t)block % CHUNK_BYTES;
    struct nursery_ward *ward = (struct nursery_ward *)(void *)((char *)block - in_ward);
    atomic_fetch_or_explicit(&ward->free, (uint64_t)1 << in_ward / NURSERY_BYTES,
                             memory_order_release);
}
