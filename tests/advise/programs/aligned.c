/* Blocks are aligned to 64 bytes by hand. */
#include <stdint.h>

#include "program.h"

enum { BLOCKS = 40000 };

static NOINLINE void *planted(size_t size) { return malloc(size + 63); }

int main(void) {
    static void *blocks[BLOCKS];
    for (size_t i = 0; i < (size_t)4 * BLOCKS; i++) {
        size_t at = i * 7 % BLOCKS;
        free(blocks[at]);
        blocks[at] = planted(64 * (1 + i % 40));
        use((void *)(((uintptr_t)blocks[at] + 63) & ~(uintptr_t)63), 64);
    }
    return 0;
}
