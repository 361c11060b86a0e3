/* Nothing: half of the blocks are freed together, while the others stay. */
#include "program.h"

enum { BLOCKS = 2000 };
static void *blocks[BLOCKS];

static NOINLINE void *allocate(void) {
    void *block = malloc(48);
    use(block, 48);
    return block;
}

int main(void) {
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < BLOCKS; i++)
            if (blocks[i] == NULL) blocks[i] = allocate();
        for (int i = round % 2; i < BLOCKS; i += 2) {
            free(blocks[i]);
            blocks[i] = NULL;
        }
    }
    return 0;
}
