/* realloc(3) and reallocarray(3) keep the content through any change of size, leave the block alone
 * if they fail, and leave errno unchanged if they succeed. */
#include "check.h"
#include "pattern.h"

#include <errno.h>
#include <malloc.h>

static void content_survives_any_change_of_size(void) {
    static const size_t sizes[] = {1,     16,     17,     100,     1000,    5000,    70000,
                                   99999, 131072, 300000, 2000000, 5000000, 12000000};
    enum { COUNT = sizeof(sizes) / sizeof(sizes[0]) };
    for (int from = 0; from < COUNT; from++) {
        for (int to = 0; to < COUNT; to++) {
            void *block = malloc(sizes[from]);
            uint64_t key = pattern_key(block, sizes[from], 0);
            pattern_fill(block, sizes[from], key);
            block = realloc(block, sizes[to]);
            CHECK(block != NULL);
            CHECK_EQUAL((uintptr_t)block % 16, 0);
            CHECK(pattern_holds(block, sizes[from] < sizes[to] ? sizes[from] : sizes[to], key));
            CHECK(malloc_usable_size(block) >= sizes[to]);
            free(block);
        }
    }
}

static void small_steps(void) {
    enum { TOP = 20000 };
    void *block = NULL;
    uint64_t key = 0;
    size_t before = 0;
    for (size_t size = 1; size < TOP; size += size < 2000 ? 1 : 7) {
        block = realloc(block, size);
        CHECK(pattern_holds(block, before, key));
        key = pattern_key(block, size, 0);
        pattern_fill(block, size, key);
        before = size;
    }
    for (size_t size = before; size > 0; size -= 7) {
        block = realloc(block, size);
        CHECK(pattern_holds(block, size, key));
        if (size < 7) break;
    }
    free(block);
}

static void aligned_blocks(void) {
    for (size_t alignment = 32; alignment <= (size_t)1 << 22; alignment *= 2) {
        for (size_t size = 10; size < 3000000; size *= 6) {
            void *block = memalign(alignment, size);
            uint64_t key = pattern_key(block, size, 0);
            pattern_fill(block, size, key);
            block = realloc(block, 3 * size);
            CHECK(pattern_holds(block, size, key));
            block = realloc(block, size / 2);
            CHECK(pattern_holds(block, size / 2, key));
            free(block);
        }
    }
}

static void usable_size_stays_in_place(void) {
    for (size_t size = 1; size < 3000000; size += size / 3 + 1) {
        char *block = malloc(size);
        uintptr_t address = (uintptr_t)block;
        block = realloc(block, malloc_usable_size(block));
        CHECK((uintptr_t)block == address);
        free(block);
    }
}

static void null_allocates_and_zero_frees(void) {
    errno = 4711;
    void *block = realloc(NULL, 100);
    CHECK(block != NULL);
    CHECK(realloc(block, 0) == NULL);
    block = realloc(NULL, 0);
    CHECK(block != NULL);
    block = realloc(block, 100);
    CHECK(block != NULL);
    memset(block, 1, 100);
    CHECK(reallocarray(block, 0, 10) == NULL);
    block = reallocarray(NULL, 10, 10);
    CHECK(reallocarray(block, 10, 0) == NULL);
    CHECK_EQUAL(errno, 4711);
}

static void failure_leaves_the_block(void) {
    static volatile size_t too_large = (size_t)PTRDIFF_MAX + 1;
    static volatile size_t half = SIZE_MAX / 2 + 2;
    for (size_t size = 1; size < 100000000; size *= 10) {
        void *block = malloc(size);
        uint64_t key = pattern_key(block, size, 0);
        pattern_fill(block, size, key);
        errno = 0;
        CHECK(realloc(block, too_large) == NULL);
        CHECK_EQUAL(errno, ENOMEM);
        errno = 0;
        CHECK(reallocarray(block, half, 2) == NULL);
        CHECK_EQUAL(errno, ENOMEM);
        CHECK(pattern_holds(block, size, key));
        free(block);
    }
}

static void success_keeps_errno(void) {
    void *block = NULL;
    errno = 4711;
    for (size_t size = 1; size < (size_t)1 << 28; size *= 2) block = realloc(block, size);
    for (size_t size = (size_t)1 << 27; size > 0; size /= 2) block = realloc(block, size);
    free(block);
    CHECK_EQUAL(errno, 4711);
}

int main(void) {
    content_survives_any_change_of_size();
    small_steps();
    aligned_blocks();
    usable_size_stays_in_place();
    null_allocates_and_zero_frees();
    failure_leaves_the_block();
    success_keeps_errno();
}
