/* Growth: many strings to which a little is appended, and a few vectors that become large. */
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

void realloc_large(size_t steps) {
    const size_t first = 4096, last = 32u << 20;
    struct buffer vectors[VECTORS] = {0};
    for (; steps > 0; steps--) {
        for (size_t size = first; size < last; size += size / 2)
            for (size_t i = 0; i < VECTORS; i++) grow(&vectors[i], size);
        for (size_t i = 0; i < VECTORS; i++) drop(&vectors[i]);
    }
}
