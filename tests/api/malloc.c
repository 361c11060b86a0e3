/* malloc(3) returns aligned, unique blocks that do not overlap, and leaves errno unchanged. */
#include "check.h"
#include "pattern.h"

#include <errno.h>

enum { SIZES = 3000 };

static void every_size_is_aligned_and_separate(void) {
    static void *blocks[SIZES];
    for (size_t size = 0; size < SIZES; size++) {
        blocks[size] = malloc(size);
        CHECK(blocks[size] != NULL);
        CHECK_EQUAL((uintptr_t)blocks[size] % 16, 0);
        pattern_fill(blocks[size], size, pattern_key(blocks[size], size, 0));
    }
    for (size_t size = 0; size < SIZES; size++) {
        CHECK(pattern_holds(blocks[size], size, pattern_key(blocks[size], size, 0)));
        free(blocks[size]);
    }
}

static void large_sizes_are_aligned(void) {
    for (size_t size = SIZES; size < (size_t)1 << 30; size += size / 3) {
        char *block = malloc(size);
        CHECK(block != NULL);
        CHECK_EQUAL((uintptr_t)block % 16, 0);
        block[0] = block[size - 1] = 1;
        free(block);
    }
}

static void no_bytes_give_a_unique_block(void) {
    enum { COUNT = 1000 };
    void *blocks[COUNT];
    for (int i = 0; i < COUNT; i++) {
        blocks[i] = malloc(0);
        CHECK(blocks[i] != NULL);
        CHECK_EQUAL((uintptr_t)blocks[i] % 16, 0);
        for (int j = 0; j < i; j++) CHECK(blocks[i] != blocks[j]);
    }
    for (int i = 0; i < COUNT; i++) free(blocks[i]);
}

static void success_keeps_errno(void) {
    errno = 4711;
    for (size_t size = 0; size < (size_t)1 << 28; size += size / 2 + 1) free(malloc(size));
    CHECK_EQUAL(errno, 4711);
}

int main(void) {
    every_size_is_aligned_and_separate();
    large_sizes_are_aligned();
    no_bytes_give_a_unique_block();
    success_keeps_errno();
}
