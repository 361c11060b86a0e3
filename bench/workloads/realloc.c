/* Growth: many strings to which a little is appended, a few vectors that become large, and bursts
 * of blocks that grow once and are all freed. */
#include "bench.h"
#include "workloads.h"

enum { STRINGS = 1000, VECTORS = 3 };

struct buffer {
    void *bytes;
    size_t size;
};

static void grow(struct buffer *buffer, size_t size) {
    buffer->bytes = heap_resize(buffer->bytes, size);
    block_write(buffer->bytes, buffer->size, size);
    buffer->size = size;
}

static void drop(struct buffer *buffer) {
    block_drop(buffer->bytes);
    *buffer = (struct buffer){0};
}

void realloc_small(size_t steps) {
    static struct buffer strings[STRINGS];
    struct rng rng = {9};
    for (; steps > 0; steps--) {
        struct buffer *string = &strings[rng_below(&rng, STRINGS)];
        if (rng_below(&rng, 32) == 0) drop(string);
        grow(string, string->size + rng_between(&rng, 1, 64));
    }
    for (size_t i = 0; i < STRINGS; i++) drop(&strings[i]);
}

/* Strings of interpreters such as gawk: resized to the exact length at each concatenation. */
void strings(size_t steps) {
    enum { LONG_STRINGS = 100, LONGEST = 100000 };
    static struct buffer long_strings[LONG_STRINGS];
    struct rng rng = {48};
    for (; steps > 0; steps--) {
        struct buffer *string = &long_strings[rng_below(&rng, LONG_STRINGS)];
        if (string->size > rng_below(&rng, LONGEST * 64)) drop(string);
        grow(string, string->size + rng_between(&rng, 1, 64));
    }
    for (size_t i = 0; i < LONG_STRINGS; i++) drop(&long_strings[i]);
}

void realloc_large(size_t steps) {
    const size_t first = 4096, last = 32u << 20;
    struct buffer vectors[VECTORS] = {0};
    for (; steps > 0; steps--) {
        for (size_t size = first; size < last; size += size / 2)
            for (size_t i = 0; i < VECTORS; i++) grow(&vectors[i], size);
        for (size_t i = 0; i < VECTORS; i++) drop(&vectors[i]);
    }
}

/* Blocks of up to 150 KB grow to up to 210 KB, of which little is written. All the memory is free
 * after a burst, and needed again by the next one a tenth of a second later. */
void realloc_burst(size_t steps) {
    enum { BLOCKS = 3000 };
    static void *blocks[BLOCKS];
    for (; steps > 0; steps--) {
        for (size_t i = 0; i < BLOCKS; i++) {
            blocks[i] = heap_alloc(i * 50 + 1);
            *(volatile unsigned char *)blocks[i] = 1;
        }
        for (size_t i = 0; i < BLOCKS; i++) blocks[i] = heap_resize(blocks[i], i * 70 + 1);
        for (size_t i = 0; i < BLOCKS; i++) heap_free(blocks[i]);
    }
}
