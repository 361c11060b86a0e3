/*
 * Nine threads run in 200 MB of address space. Their stacks take most of it, but each thread can
 * still allocate some megabytes.
 *     limited_threads [LIMIT]
 * The program sets the LIMIT, in bytes, itself. Without one it is started under a limit.
 */
#include "check.h"
#include "limit.h"
#include "pattern.h"
#include "threads.h"

enum { THREADS = 9, BLOCKS = 100 };

static pthread_barrier_t all_alive;

static size_t size_of(size_t block) { return 16 + 5 * block * block; }

static void *allocate(void *unused) {
    void *blocks[BLOCKS];
    pthread_barrier_wait(&all_alive);
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(size_of(i));
        CHECK(blocks[i] != NULL);
        pattern_fill(blocks[i], size_of(i), pattern_key(blocks[i], size_of(i), 0));
    }
    pthread_barrier_wait(&all_alive);
    for (size_t i = 0; i < BLOCKS; i++) {
        CHECK(pattern_holds(blocks[i], size_of(i), pattern_key(blocks[i], size_of(i), 0)));
        free(blocks[i]);
    }
    return unused;
}

int main(int argc, char **argv) {
    pthread_t threads[THREADS];
    if (argc > 1) limit_address_space(strtoul(argv[1], NULL, 10));
    CHECK_EQUAL(pthread_barrier_init(&all_alive, NULL, THREADS), 0);
    for (int i = 0; i < THREADS; i++) threads[i] = start_thread(allocate, NULL);
    for (int i = 0; i < THREADS; i++) join_thread(threads[i]);
}
