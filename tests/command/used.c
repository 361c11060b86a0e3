/* Uses a block after it was freed, by a single instruction: reads it, or with an argument writes to
 * it. */
#include <stdlib.h>

static volatile char *block;

__attribute__((noinline)) static int read_block(void) { return block[8]; }
__attribute__((noinline)) static void write_block(void) { block[8] = 1; }

int main(int argc, char **argv) {
    (void)argv;
    block = calloc(1, 100);
    free((void *)block);
    if (argc == 1) return read_block();
    write_block();
    return 0;
}
