/* When one thread only allocates and another one only frees, the freed memory is reused. */
#include "check.h"
#include "resident.h"
#include "threads.h"

#include <string.h>

enum { ROUNDS = 400, WARM_UP = 100, BLOCKS = 2000 };

static pthread_barrier_t turn;
static void *blocks[BLOCKS];

static void *free_blocks(void *unused) {
    for (int round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&turn);
        for (int i = 0; i < BLOCKS; i++) free(blocks[i]);
        pthread_barrier_wait(&turn);
    }
    return unused;
}

int main(void) {
    size_t before = 0;
    CHECK_EQUAL(pthread_barrier_init(&turn, NULL, 2), 0);
    pthread_t thread = start_thread(free_blocks, NULL);
    for (int round = 0; round < ROUNDS; round++) {
        if (round == WARM_UP) before = resident_bytes();
        for (size_t i = 0; i < BLOCKS; i++) {
            size_t size = 1 + i % 1000;
            blocks[i] = memset(malloc(size), 1, size);
        }
        pthread_barrier_wait(&turn);
        pthread_barrier_wait(&turn);
    }
    join_thread(thread);
    CHECK(resident_bytes() < before + (2 << 20));
}
