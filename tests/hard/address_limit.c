/*
 * 128 MiB of address space: malloc fails with ENOMEM when they are used up, no other function
 * crashes then, and what is freed can be allocated again, in whatever size.
 *     address_limit [LIMIT]
 * LIMIT in bytes is set here; without it the program was started under one.
 */
#include "check.h"
#include "limit.h"
#include "pattern.h"

#include <malloc.h>

enum { MEBIBYTE = 1 << 20, EXPECTED = 48 * MEBIBYTE };

static const size_t sizes[] = {16, 200, 3000, 40000, 300000, MEBIBYTE, 10 * MEBIBYTE};
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static void fails(void *result) {
    CHECK(result == NULL);
    CHECK_EQUAL(errno, ENOMEM);
}

/* What is too large now fails in every function; the block at hand keeps its content. */
static void every_function_fails(void) {
    static volatile size_t too_large = EXPECTED;
    void *block = malloc(1), *untouched = &untouched;
    if (block == NULL) return;
    size_t size = malloc_usable_size(block);
    uint64_t key = pattern_key(block, size, 0);
    pattern_fill(block, size, key);
    fails(calloc(1, too_large));
    fails(realloc(block, too_large));
    fails(memalign(4096, too_large));
    fails(aligned_alloc(64, too_large));
    fails(valloc(too_large));
    CHECK_EQUAL(posix_memalign(&untouched, 64, too_large), ENOMEM);
    CHECK(untouched == &untouched);
    CHECK(pattern_holds(block, size, key));
    free(block);
}

static void fill_and_empty(size_t size) {
    struct list *list = NULL;
    size_t count = allocate_until_exhausted(&list, size);
    if (count * size < EXPECTED)
        check_failed("there was room for %zu blocks of %zu bytes only\n", count, size);
    every_function_fails();
    free_list(&list);
}

/* One block that grows until it cannot, and still is what it was. */
static void grow(void) {
    size_t size = 1000;
    char *block = malloc(size), *larger;
    CHECK(block != NULL);
    block[0] = block[size - 1] = 1;
    while ((larger = realloc(block, 2 * size)) != NULL) {
        CHECK(larger[0] == 1 && larger[size - 1] == 1);
        block = larger;
        size *= 2;
        block[size - 1] = 1;
    }
    CHECK_EQUAL(errno, ENOMEM);
    CHECK(size >= EXPECTED / 4);
    CHECK(block[0] == 1 && block[size - 1] == 1);
    free(block);
}

int main(int argc, char **argv) {
    if (argc > 1) limit_address_space(strtoul(argv[1], NULL, 10));
    for (int i = 0; i < SIZES; i++) fill_and_empty(sizes[i]);
    grow();
    for (int i = SIZES - 1; i >= 0; i--) fill_and_empty(sizes[i]);
}
