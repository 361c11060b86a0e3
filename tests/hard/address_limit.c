/*
 * When 128 MiB of address space are used up, malloc fails with ENOMEM, every other function fails
 * without a crash, and freed memory can be allocated again in any size.
 *     address_limit [LIMIT]
 * The program sets the LIMIT, in bytes, itself. Without one it is started under a limit.
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

/* Every function refuses a size that is too large now, and realloc's block keeps its content. */
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
        check_failed("only %zu blocks of %zu bytes were allocated\n", count, size);
    every_function_fails();
    free_list(&list);
}

/* A block grows until realloc fails, and then still has its content. */
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
