/*
 * A small program: 200 blocks of 16 to 1,011 bytes, of which it frees a quarter, and a few calls of
 * the other functions. Prints /proc/self/smaps if it has an argument.
 */
#include "mappings.h"

enum { BLOCKS = 200, KEPT = 150 };

int main(int argc, char **argv) {
    (void)argv;
    static void *blocks[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t size = 16 + 5 * i;
        blocks[i] = written(malloc(size), size);
    }
    for (size_t i = KEPT; i < BLOCKS; i++) free(blocks[i]);
    blocks[0] = written(realloc(blocks[0], 100), 100);
    free(written(calloc(10, 10), 100));
    if (argc > 1) print_mappings();
    return 0;
}
