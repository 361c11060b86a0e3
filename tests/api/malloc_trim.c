/* malloc_trim(3) returns free memory to the system, also between live blocks. */
#include "check.h"
#include "resident.h"

#include <malloc.h>
#include <string.h>

enum { MEBIBYTE = 1 << 20, TOTAL = 48 * MEBIBYTE, HIGHEST_COUNT = TOTAL / 1024 };

/* Frees all blocks except one in `kept`, and trims. */
static void trims(size_t size, size_t kept) {
    static char *blocks[HIGHEST_COUNT];
    size_t count = TOTAL / size;
    for (size_t i = 0; i < count; i++) blocks[i] = memset(malloc(size), 1, size);
    size_t full = resident_bytes();
    for (size_t i = 0; i < count; i++) {
        if (i % kept != 0) free(blocks[i]);
    }
    int result = malloc_trim(0);
    CHECK(result == 0 || result == 1);
    CHECK(resident_bytes() < full - TOTAL + 3 * (TOTAL / kept) + 8 * MEBIBYTE);
    for (size_t i = 0; i < count; i += kept) {
        CHECK(blocks[i][0] == 1 && blocks[i][size - 1] == 1);
        free(blocks[i]);
    }
}

int main(void) {
    CHECK(malloc_trim(0) == 0 || malloc_trim(0) == 1);
    trims(1024, 64);
    trims(64 << 10, 16);
    trims(2 * MEBIBYTE, 8);
    CHECK(malloc_trim((size_t)-1) == 0 || malloc_trim((size_t)-1) == 1);
}
