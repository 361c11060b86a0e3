/* For blocks of every kind, accesses up to the last byte are accepted, and one byte more is
 * reported. */
#include <malloc.h>
#include <stdint.h>

#include "reported.h"

struct block {
    char *start;
    size_t size, offset;
};

static void write_too_much(const void *argument) {
    const struct block *b = argument;
    memset(b->start + b->offset, 1, b->size - b->offset + 1);
}

static void read_freed(const void *argument) {
    static char room[1];
    const struct block *b = argument;
    free(b->start);
    memcpy(room, b->start + b->offset, 1);
}

static void read_from_neighbour(const void *argument) {
    static char room[20];
    const struct block *b = argument;
    memcpy(room, b->start + b->size - 1, 2);
}

static void expect(void (*call)(const void *), const struct block *b, const char *cause,
                   const char *function) {
    if (!is_reported(call, b, (struct expectation){cause, function}))
        check_failed("at offset %zu of a block of %zu bytes\n", b->offset, b->size);
}

static void check_at(struct block b, size_t offset, bool mapped) {
    b.offset = offset;
    memset(b.start + offset, 1, b.size - offset);
    expect(write_too_much, &b, "heap overflow", "memset");
    expect(read_from_neighbour, &b, "heap overflow", "memcpy");
    if (!mapped) expect(read_freed, &b, "use after free", "memcpy");
}

/* Allocates several blocks of the size, so that the neighbours are in use. */
static void check_size(size_t size) {
    char *blocks[3];
    for (int i = 0; i < 3; i++) CHECK((blocks[i] = malloc(size)) != NULL);
    struct block b = {.start = blocks[1], .size = malloc_usable_size(blocks[1])};
    bool mapped = size >= 1 << 20;
    check_at(b, 0, mapped);
    check_at(b, b.size / 2, mapped);
    check_at(b, b.size - 1, mapped);
    for (int i = 0; i < 3; i++) free(blocks[i]);
}

static void check_aligned(size_t alignment) {
    struct block b = {.start = memalign(alignment, 100)};
    CHECK(b.start != NULL);
    b.size = malloc_usable_size(b.start);
    check_at(b, 0, false);
    free(b.start);
}

static void write_to_nothing(const void *argument) {
    (void)argument;
    memset(malloc(0), 1, 1);
}

int main(void) {
    static const size_t sizes[] = {1,    16,    64,     300,     1000,    1024,
                                   5000, 32768, 100000, 1 << 20, 64 << 20};
    /* Slots of slabs and of shared granules: the first blocks of a size class are shared. */
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) check_size(sizes[i]);
        for (int i = 0; i < 100; i++)
            for (size_t size = 16; size <= 1024; size += 16) free(malloc(size));
    }
    for (size_t alignment = 32; alignment <= 65536; alignment *= 2) check_aligned(alignment);
    if (!is_reported(write_to_nothing, NULL, (struct expectation){"heap overflow", "memset"}))
        return EXIT_FAILURE;
    return EXIT_SUCCESS;
}
