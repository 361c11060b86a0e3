/* Nothing: blocks of all sizes are returned to the caller, live for different times, and end one by
 * one. */
#include "program.h"

static NOINLINE char *allocate(size_t size) {
    char *block = malloc(size);
    use(block, size);
    return block;
}

int main(void) {
    static char *blocks[1000];
    unsigned random = 1;
    for (int i = 0; i < 200000; i++) {
        random = random * 1103515245 + 12345;
        char **block = &blocks[(random >> 16) % 1000];
        free(*block);
        *block = allocate(1 + (random >> 8) % 3000);
    }
    return 0;
}
