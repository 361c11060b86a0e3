/* calloc(3) zeroes blocks up to their usable size, in fresh memory and in memory that was used. */
#include "check.h"
#include "resident.h"

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <string.h>

static void check_clear(const char *block) {
    size_t usable = malloc_usable_size((void *)block);
    for (size_t i = 0; i < usable; i++) {
        if (block[i] != 0) check_failed("byte %zu of a block of %zu is %d\n", i, usable, block[i]);
    }
}

/* Fills and frees blocks of one size, and allocates blocks of another size in their place. */
static void recycled(size_t dirty_size, size_t size) {
    enum { COUNT = 8 };
    char *blocks[COUNT];
    for (int i = 0; i < COUNT; i++) {
        blocks[i] = malloc(dirty_size);
        memset(blocks[i], 0xff, malloc_usable_size(blocks[i]));
    }
    for (int i = 0; i < COUNT; i++) free(blocks[i]);
    for (int i = 0; i < COUNT; i++) {
        blocks[i] = calloc(1, size);
        CHECK(blocks[i] != NULL);
        check_clear(blocks[i]);
        memset(blocks[i], 0xff, malloc_usable_size(blocks[i]));
    }
    for (int i = 0; i < COUNT; i++) free(blocks[i]);
}

/* Allocates the memory that a shrinking block gave up, which is dirty. */
static void shrunk(size_t large, size_t small) {
    char *block = malloc(large);
    memset(block, 0xff, malloc_usable_size(block));
    block = realloc(block, small);
    char *zeroed = calloc(1, large - small);
    check_clear(zeroed);
    free(zeroed);
    free(block);
}

/* A gigabyte that is not used adds nothing to the resident set. */
static void fresh_memory_is_not_touched(void) {
    size_t before = resident_bytes();
    char *block = calloc(1 << 10, 1 << 20);
    CHECK(block != NULL);
    CHECK(resident_bytes() < before + (4 << 20));
    free(block);
}

static void no_elements(void) {
    void *first = calloc(0, 8);
    void *second = calloc(8, 0);
    CHECK(first != NULL && second != NULL && first != second);
    free(first);
    free(second);
}

static void overflowing_product(void) {
    static volatile size_t half = SIZE_MAX / 2 + 2;
    static volatile size_t root = (size_t)1 << 32;
    errno = 0;
    CHECK(calloc(half, 2) == NULL);
    CHECK_EQUAL(errno, ENOMEM);
    errno = 0;
    CHECK(calloc(root, root) == NULL);
    CHECK_EQUAL(errno, ENOMEM);
}

int main(void) {
    errno = 4711;
    for (size_t size = 1; size < 2000000; size += size / 2 + 1) {
        recycled(size, size);
        recycled(2 * size, size);
        recycled(size, 2 * size);
    }
    recycled(10000000, 10000000);
    for (size_t size = 1000; size < 10000000; size *= 3) shrunk(2 * size, size);
    fresh_memory_is_not_touched();
    no_elements();
    CHECK_EQUAL(errno, 4711);
    overflowing_product();
}
