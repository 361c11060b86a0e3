/*
 * A program frees all its blocks after a peak and then makes no further call. The last free already
 * returns the memory to the system.
 *     idle_peak SIZE forward|backward|random
 */
#include "check.h"
#include "random.h"
#include "resident.h"

#include <string.h>

#define PEAK ((size_t)160 << 20)
#define KEPT ((size_t)48 << 20)

static void shuffle(char **blocks, size_t count) {
    uint64_t seed = 1;
    for (size_t i = count - 1; i > 0; i--) {
        size_t other = random_below(&seed, i + 1);
        char *block = blocks[i];
        blocks[i] = blocks[other];
        blocks[other] = block;
    }
}

int main(int argc, char **argv) {
    CHECK_EQUAL(argc, 3);
    size_t size = strtoul(argv[1], NULL, 10), count = PEAK / size, before = resident_bytes();
    char **blocks = malloc(count * sizeof *blocks);
    for (size_t i = 0; i < count; i++) {
        CHECK((blocks[i] = malloc(size)) != NULL);
        memset(blocks[i], 1, size);
    }
    CHECK(resident_bytes() >= before + PEAK / 10 * 9);
    if (strcmp(argv[2], "random") == 0) shuffle(blocks, count);
    int backward = strcmp(argv[2], "backward") == 0;
    for (size_t i = 0; i < count; i++) free(blocks[backward ? count - 1 - i : i]);
    free(blocks);
    size_t kept = resident_bytes() - before;
    dprintf(STDOUT_FILENO, "%zu KiB are kept\n", kept >> 10);
    CHECK(kept <= KEPT);
}
