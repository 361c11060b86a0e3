/* posix_memalign(3), aligned_alloc, memalign, valloc and pvalloc return aligned blocks of any size,
 * and reject bad alignments with the right error. */
#include "check.h"
#include "pattern.h"

#include <errno.h>
#include <malloc.h>

static const size_t sizes[] = {0, 1, 16, 100, 256, 1000, 4096, 5000, 70000, 300000, 3000000};
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static void check_block(void *block, size_t alignment, size_t size) {
    CHECK(block != NULL);
    CHECK_EQUAL((uintptr_t)block % alignment, 0);
    CHECK(malloc_usable_size(block) >= size);
    pattern_fill(block, size, pattern_key(block, size, alignment));
}

static void check_and_free(void *block, size_t alignment, size_t size) {
    CHECK(pattern_holds(block, size, pattern_key(block, size, alignment)));
    free(block);
}

static void every_alignment_for_every_size(void) {
    for (size_t alignment = sizeof(void *); alignment <= (size_t)1 << 26; alignment *= 2) {
        void *blocks[3][SIZES];
        for (int i = 0; i < SIZES; i++) {
            CHECK_EQUAL(posix_memalign(&blocks[0][i], alignment, sizes[i]), 0);
            blocks[1][i] = aligned_alloc(alignment, sizes[i]);
            blocks[2][i] = memalign(alignment, sizes[i]);
            for (int function = 0; function < 3; function++)
                check_block(blocks[function][i], alignment, sizes[i]);
        }
        for (int i = 0; i < SIZES; i++) {
            for (int function = 0; function < 3; function++)
                check_and_free(blocks[function][i], alignment, sizes[i]);
        }
    }
}

static void same_size_many_times(void) {
    enum { COUNT = 300, SIZE = 256 };
    void *blocks[COUNT];
    for (int i = 0; i < COUNT; i++) {
        CHECK_EQUAL(posix_memalign(&blocks[i], SIZE, SIZE), 0);
        check_block(blocks[i], SIZE, SIZE);
    }
    for (int i = 0; i < COUNT; i++) check_and_free(blocks[i], SIZE, SIZE);
}

static void posix_memalign_rejects(size_t alignment, size_t size, int error) {
    void *untouched = &untouched;
    errno = 0;
    CHECK_EQUAL(posix_memalign(&untouched, alignment, size), error);
    CHECK(untouched == &untouched);
    if (error == ENOMEM) CHECK_EQUAL(errno, ENOMEM);
}

static void memalign_rejects(size_t alignment, size_t size, int error) {
    errno = 0;
    CHECK(memalign(alignment, size) == NULL);
    CHECK_EQUAL(errno, error);
}

static void aligned_alloc_rejects(size_t alignment, size_t size, int error) {
    errno = 0;
    CHECK(aligned_alloc(alignment, size) == NULL);
    CHECK_EQUAL(errno, error);
}

static void bad_alignments(void) {
    static const size_t bad[] = {3, 12, 24, 100, 4097, SIZE_MAX / 2, SIZE_MAX - 1, SIZE_MAX};
    posix_memalign_rejects(0, 100, EINVAL);
    posix_memalign_rejects(1, 100, EINVAL);
    posix_memalign_rejects(4, 100, EINVAL);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        posix_memalign_rejects(bad[i], 100, EINVAL);
    memalign_rejects(SIZE_MAX / 2 + 2, 100, EINVAL);
    memalign_rejects(SIZE_MAX, 100, EINVAL);
    if (running_on_mallow()) { /* libc accepts them before version 2.38 */
        aligned_alloc_rejects(0, 100, EINVAL);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
            aligned_alloc_rejects(bad[i], 100, EINVAL);
    }
}

static void alignments_too_large_for_any_block(void) {
    for (size_t alignment = (size_t)1 << 48; alignment != 0; alignment *= 2) {
        posix_memalign_rejects(alignment, 100, ENOMEM);
        memalign_rejects(alignment, 100, ENOMEM);
        aligned_alloc_rejects(alignment, 100, ENOMEM);
    }
}

static void memalign_rounds_up(void) {
    static const size_t odd[][2] = {{0, 1},     {1, 1},       {3, 4},       {17, 32},
                                    {100, 128}, {1000, 1024}, {4097, 8192}, {70000, 131072}};
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        for (int j = 0; j < SIZES; j++) {
            void *block = memalign(odd[i][0], sizes[j]);
            check_block(block, odd[i][1], sizes[j]);
            check_and_free(block, odd[i][1], sizes[j]);
        }
    }
}

/* Since C17 the size need not be a multiple of the alignment. */
static void aligned_alloc_takes_any_size(void) {
    void *block = aligned_alloc(64, 1);
    check_block(block, 64, 1);
    check_and_free(block, 64, 1);
}

static void whole_pages(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < SIZES; i++) {
        void *block = valloc(sizes[i]);
        check_block(block, page, sizes[i]);
        check_and_free(block, page, sizes[i]);
        size_t rounded = (sizes[i] + page - 1) / page * page;
        if (sizes[i] == 0 && running_on_mallow()) /* libc returns a block of no bytes */
            rounded = page;
        block = pvalloc(sizes[i]);
        check_block(block, page, rounded);
        check_and_free(block, page, rounded);
    }
}

int main(void) {
    errno = 4711;
    every_alignment_for_every_size();
    same_size_many_times();
    memalign_rounds_up();
    aligned_alloc_takes_any_size();
    whole_pages();
    CHECK_EQUAL(errno, 4711);
    bad_alignments();
    alignments_too_large_for_any_block();
}
