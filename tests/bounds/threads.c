/* A thread that stays within its own blocks is not reported, whatever other threads allocate, free
 * and resize. */
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { THREADS = 4, BLOCKS = 16, TURNS = 1500 };

static unsigned next_random(unsigned *state) {
    *state = *state * 1103515245u + 12345u;
    return *state >> 8;
}

/* Returns a random size, from a slot to a mapping. */
static size_t some_size(unsigned *state) {
    return ((size_t)16 << next_random(state) % 17) + next_random(state) % 100;
}

/* Accesses only the ends and the middle, so that large blocks take no longer. */
static void use(char *block) {
    size_t usable = malloc_usable_size(block), middle = usable / 2;
    size_t piece = usable < 100 ? usable / 2 : 50;
    memset(block, 1, piece);
    memcpy(block + usable - piece, block, piece);
    CHECK(memcmp(block + usable - piece, block, piece) == 0);
    memset(block + middle, 2, piece);
}

static void *work(void *seed) {
    unsigned state = *(unsigned *)seed;
    char *blocks[BLOCKS] = {NULL};
    for (int turn = 0; turn < TURNS; turn++) {
        char **block = &blocks[next_random(&state) % BLOCKS];
        if (next_random(&state) % 3 == 0) {
            free(*block);
            *block = NULL;
        }
        *block = realloc(*block, some_size(&state));
        CHECK(*block != NULL);
        for (int i = 0; i < BLOCKS; i++)
            if (blocks[i] != NULL) use(blocks[i]);
    }
    for (int i = 0; i < BLOCKS; i++) free(blocks[i]);
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];
    unsigned seeds[THREADS];
    mallopt(M_MMAP_THRESHOLD, 64 << 10);
    for (unsigned i = 0; i < THREADS; i++) {
        seeds[i] = i + 1;
        CHECK(pthread_create(&threads[i], NULL, work, &seeds[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
}
