/* The program whose allocations heaptrack.zst contains: heaptrack 1.4.0 of Debian 12 recorded it. */
#include <stdlib.h>
#include <string.h>

static inline __attribute__((always_inline)) void *inner(size_t size) { return malloc(size); }

__attribute__((noinline)) static void *outer(size_t size) {
    void *block = inner(size);
    memset(block, 1, size);
    return block;
}

int main(void) {
    for (unsigned i = 0; i < 5; i++) {
        void *temporary = outer(100), *kept = outer(200 + i);
        free(temporary);
        if (i % 2 != 0) kept = realloc(kept, 1000);
        if (i > 2) free(kept);
    }
    return calloc(3, 50) == NULL;
}
