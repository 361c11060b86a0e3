/*
 * The process has as many mappings as the kernel allows, so no mapping can be split. free still
 * keeps errno, malloc at worst fails, malloc_trim returns free memory, and the heap works normally
 * when mappings are available again.
 */
#include "check.h"
#include "churn.h"
#include "resident.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <sys/mman.h>

enum { HIGHEST_COUNT = 200000, LARGE = 64 << 20 };

/* Splits the region into single pages: neighbouring pages with different protection need separate
 * mappings. Returns true if the kernel refused one. */
static bool split_until_refused(char *region, size_t page) {
    for (size_t i = 0; i < HIGHEST_COUNT; i += 2) {
        if (mprotect(region + i * page, page, PROT_READ) != 0) return true;
    }
    return false;
}

static void allocate_and_free(size_t size) {
    void *block = malloc(size);
    if (block == NULL) {
        CHECK_EQUAL(errno, ENOMEM);
        return;
    }
    pattern_fill(block, size, pattern_key(block, size, 0));
    CHECK(pattern_holds(block, size, pattern_key(block, size, 0)));
    errno = 4711;
    free(block);
    CHECK_EQUAL(errno, 4711);
}

enum { SMALL_BLOCKS = 16000, SMALL = 2000 };
static void *small_blocks[SMALL_BLOCKS];

static void hold_small_blocks(void) {
    for (int i = 0; i < SMALL_BLOCKS; i++) {
        CHECK((small_blocks[i] = malloc(SMALL)) != NULL);
        memset(small_blocks[i], 1, SMALL);
    }
}

/* Frees six blocks of every eight, so that the free pages are in many pieces. */
static void trim_small_blocks(void) {
    size_t before = resident_bytes();
    for (int i = 0; i < SMALL_BLOCKS; i++)
        if (i % 8 < 6) free(small_blocks[i]);
    malloc_trim(0);
    CHECK(before - resident_bytes() > (size_t)SMALL_BLOCKS * SMALL / 4);
    for (int i = 0; i < SMALL_BLOCKS; i++)
        if (i % 8 >= 6) free(small_blocks[i]);
}

int main(void) {
    static struct churn churn = {.random = 1};
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *blocks[3];
    churn_steps(&churn, 10000);
    hold_small_blocks();
    for (int i = 0; i < 3; i++) {
        blocks[i] = malloc(LARGE);
        CHECK(blocks[i] != NULL);
    }
    char *region = mmap(NULL, HIGHEST_COUNT * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(region != MAP_FAILED);
    if (!split_until_refused(region, page)) skip("vm.max_map_count is too high");

    errno = 4711;
    free(blocks[1]);
    churn_finish(&churn);
    CHECK_EQUAL(errno, 4711);
    trim_small_blocks();
    allocate_and_free(0);
    for (size_t size = 1; size < LARGE; size *= 2) allocate_and_free(size);

    CHECK_EQUAL(munmap(region, HIGHEST_COUNT * page), 0);
    churn_steps(&churn, 10000);
    churn_finish(&churn);
    free(blocks[0]);
    free(blocks[2]);
}
