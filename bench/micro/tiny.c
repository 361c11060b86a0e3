/*
 * Allocates and writes 200 blocks of 16 to 1011 bytes. With an argument, prints the anonymous
 * memory of the process in KiB. It does so without stdio, whose memory must not count.
 */
#include "anonymous.h"

#include <stdio.h>

int main(int argc, char **argv) {
    (void)argv;
    enum { BLOCKS = 200 };
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t size = 16 + 5 * i;
        void *block = malloc(size);
        if (!block) return 1;
        memset(block, 1, size);
    }
    if (argc > 1) dprintf(STDOUT_FILENO, "anonymous_kib=%ld\n", anonymous_kib());
    return 0;
}
