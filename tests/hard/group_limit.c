/*
 * The heap respects the memory limit of a control group. At most 60 MiB are live, in blocks that
 * are small in one phase and large in another. group_limit.sh runs the process in a control group
 * of 150 MiB: libc's malloc needs 135 MiB, and the kernel kills an allocator that ignores the
 * limit.
 */
#include "check.h"
#include "random.h"

#include <string.h>

enum { BLOCKS = 200000, LIVE = 60 << 20, PHASES = 12, PHASE_BYTES = 80 << 20, PHASE_BLOCKS = 2000 };

static struct {
    void *start;
    size_t size;
} blocks[BLOCKS];

static size_t live;
static uint64_t seed = 88172645463325252;

static void release(size_t i) {
    free(blocks[i].start);
    if (blocks[i].start != NULL) live -= blocks[i].size;
    blocks[i].start = NULL;
}

static void make_room(size_t size) {
    while (live + size > LIVE) {
        size_t i = random_below(&seed, BLOCKS);
        for (int k = 0; k < 5000 && blocks[i].start == NULL; k++) i = (i + 1) % BLOCKS;
        release(i);
    }
}

static void allocate(size_t i, size_t size) {
    blocks[i].start = malloc(size);
    CHECK(blocks[i].start != NULL);
    blocks[i].size = size;
    live += size;
    memset(blocks[i].start, 1, size);
}

int main(void) {
    static const size_t largest[] = {200, 3000, 40000, 400000};
    for (int phase = 0; phase < PHASES; phase++) {
        size_t below = largest[phase % 4];
        size_t count = PHASE_BYTES / (below + 200) + PHASE_BLOCKS;
        for (size_t k = 0; k < count; k++) {
            size_t i = random_below(&seed, BLOCKS), size = 1 + random_below(&seed, below);
            release(i);
            make_room(size);
            allocate(i, size);
        }
    }
}
