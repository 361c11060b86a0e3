/* Every function fails with ENOMEM for sizes near and above PTRDIFF_MAX: no rounding wraps around
 * to a small block. */
#include "check.h"

#include <errno.h>
#include <malloc.h>
#include <stdint.h>

#define FAILS(call)                 \
    do {                            \
        errno = 0;                  \
        CHECK((call) == NULL);      \
        CHECK_EQUAL(errno, ENOMEM); \
    } while (0)

static void every_function_fails(size_t size) {
    void *untouched = &untouched;
    void *block = malloc(10);
    FAILS(malloc(size));
    FAILS(calloc(1, size));
    FAILS(calloc(size, 1));
    FAILS(realloc(NULL, size));
    FAILS(realloc(block, size));
    FAILS(reallocarray(block, 1, size));
    FAILS(reallocarray(block, size, 3));
    FAILS(valloc(size));
    FAILS(pvalloc(size));
    for (size_t alignment = 16; alignment != 0; alignment *= 2) {
        FAILS(memalign(alignment, size));
        FAILS(aligned_alloc(alignment, size));
        errno = 0;
        CHECK_EQUAL(posix_memalign(&untouched, alignment, size), ENOMEM);
        CHECK_EQUAL(errno, ENOMEM);
        CHECK(untouched == &untouched);
    }
    free(block);
}

int main(void) {
    static const size_t distances[] = {0, 1, 15, 16, 4095, 4096, 65535, 65536, 1 << 21};
    for (size_t i = 0; i < sizeof(distances) / sizeof(distances[0]); i++) {
        every_function_fails(PTRDIFF_MAX - distances[i]);
        every_function_fails((size_t)PTRDIFF_MAX + 1 + distances[i]);
        every_function_fails(SIZE_MAX - distances[i]);
    }
}
