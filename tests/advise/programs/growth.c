/* An array grows by 64 bytes each time. */
#include "program.h"

static NOINLINE char *planted(char *block, size_t size) { return realloc(block, size); }

int main(void) {
    for (int round = 0; round < 10; round++) {
        char *block = NULL;
        for (size_t size = 64; size <= 64 * 5000; size += 64) {
            block = planted(block, size);
            use(block + size - 64, 64);
        }
        free(block);
    }
    return 0;
}
