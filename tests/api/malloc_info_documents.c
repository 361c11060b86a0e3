/* Writes the XML of malloc_info(3) a hundred times for malloc_info.py, while threads are at
 * work. */
#include "check.h"
#include "random.h"
#include "threads.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { THREADS = 3, KEPT = 1000, DOCUMENTS = 100 };

static atomic_bool stop;

static void *churn(void *argument) {
    uint64_t seed = (uintptr_t)argument;
    void *blocks[KEPT] = {NULL};
    while (!stop) {
        void **block = &blocks[random_below(&seed, KEPT)];
        free(*block);
        *block = malloc(random_below(&seed, random_below(&seed, 50) == 0 ? 1 << 20 : 3000));
    }
    for (int i = 0; i < KEPT; i++) free(blocks[i]);
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++) threads[i] = start_thread(churn, (void *)(i + 1));
    for (int i = 0; i < DOCUMENTS; i++) {
        CHECK_EQUAL(malloc_info(0, stdout), 0);
        CHECK_EQUAL(putchar('\0'), 0);
    }
    stop = true;
    for (int i = 0; i < THREADS; i++) join_thread(threads[i]);
}
