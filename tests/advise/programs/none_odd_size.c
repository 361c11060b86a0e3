/* Nothing: the size of all blocks happens to be one less than a multiple of 64. */
#include "program.h"

enum { BLOCKS = 40000 };

static NOINLINE void *allocate(void) { return malloc(191); }

int main(void) {
    static void *blocks[BLOCKS];
    for (size_t i = 0; i < (size_t)3 * BLOCKS; i++) {
        size_t at = i * 7 % BLOCKS;
        free(blocks[at]);
        blocks[at] = allocate();
        use(blocks[at], 191);
    }
    return 0;
}
