/* Nothing: all blocks are freed when the program ends. */
#include "program.h"

enum { BLOCKS = 50000 };

static NOINLINE void *allocate(size_t size) {
    void *block = malloc(size);
    use(block, size);
    return block;
}

int main(void) {
    static void *blocks[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++) blocks[i] = allocate(10 + i % 100);
    for (size_t i = 0; i < BLOCKS; i++) free(blocks[i]);
    return 0;
}
