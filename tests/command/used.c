/* Reads a block after it was freed, by an instruction of its own. */
#include <stdlib.h>

static volatile char *block;

__attribute__((noinline)) static int use_block(void) { return block[8]; }

int main(void) {
    block = calloc(1, 100);
    free((void *)block);
    return use_block();
}
