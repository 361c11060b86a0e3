/* mallopt(3) returns 1 for accepted values and unknown parameters, and 0 for a value outside the
 * documented range. */
#include "check.h"

#include <limits.h>
#include <malloc.h>

static void still_allocates(void) {
    for (size_t size = 1; size < 10000000; size *= 3) {
        void *block = malloc(size);
        CHECK(block != NULL);
        free(block);
    }
}

int main(void) {
    enum { HIGHEST_MXFAST = 80 * sizeof(size_t) / 4, HIGHEST_MMAP_THRESHOLD = 32 << 20 };

    CHECK_EQUAL(mallopt(M_MXFAST, 0), 1);
    CHECK_EQUAL(mallopt(M_MXFAST, HIGHEST_MXFAST), 1);
    CHECK_EQUAL(mallopt(M_MXFAST, HIGHEST_MXFAST + 1), 0);
    CHECK_EQUAL(mallopt(M_MXFAST, -1), 0);
    CHECK_EQUAL(mallopt(M_TRIM_THRESHOLD, 1 << 20), 1);
    CHECK_EQUAL(mallopt(M_TRIM_THRESHOLD, -1), 1);
    CHECK_EQUAL(mallopt(M_TOP_PAD, 1 << 16), 1);
    CHECK_EQUAL(mallopt(M_MMAP_THRESHOLD, 0), 1);
    still_allocates();
    CHECK_EQUAL(mallopt(M_MMAP_THRESHOLD, HIGHEST_MMAP_THRESHOLD), 1);
    still_allocates();
    CHECK_EQUAL(mallopt(M_MMAP_MAX, 0), 1);
    still_allocates();
    CHECK_EQUAL(mallopt(M_MMAP_MAX, 1000), 1);
    CHECK_EQUAL(mallopt(M_PERTURB, 0), 1);
    CHECK_EQUAL(mallopt(M_CHECK_ACTION, 3), 1);
    CHECK_EQUAL(mallopt(M_ARENA_TEST, 1), 1);
    CHECK_EQUAL(mallopt(M_ARENA_MAX, 1), 1);
    CHECK_EQUAL(mallopt(4711, 1), 1);
    CHECK_EQUAL(mallopt(INT_MIN, 1), 1);
    still_allocates();
}
