/* A thousand threads can be alive at once, each with its own blocks. Other threads free the blocks
 * that they leave. */
#include "check.h"
#include "pattern.h"
#include "threads.h"

enum { THREADS = 1000, BLOCKS = 20, STACK = 64 << 10 };

static pthread_barrier_t all_alive;
static void *left[THREADS][BLOCKS];

static size_t size_of(size_t block) { return 10 + 50 * block * block; }

static void verify_and_free(size_t thread) {
    for (size_t i = 0; i < BLOCKS; i++) {
        void *block = left[thread][i];
        CHECK(pattern_holds(block, size_of(i), pattern_key(block, size_of(i), thread)));
        free(block);
    }
}

/* Every other thread frees the blocks of its predecessor, which may have ended. */
static void *allocate(void *number) {
    size_t thread = (size_t)number;
    for (size_t i = 0; i < BLOCKS; i++) {
        void *block = left[thread][i] = malloc(size_of(i));
        CHECK(block != NULL);
        pattern_fill(block, size_of(i), pattern_key(block, size_of(i), thread));
    }
    pthread_barrier_wait(&all_alive);
    if (thread % 2 == 1) verify_and_free(thread - 1);
    return NULL;
}

int main(void) {
    static pthread_t threads[THREADS];
    pthread_attr_t attributes;
    CHECK_EQUAL(pthread_barrier_init(&all_alive, NULL, THREADS), 0);
    CHECK_EQUAL(pthread_attr_init(&attributes), 0);
    CHECK_EQUAL(pthread_attr_setstacksize(&attributes, STACK), 0);
    for (size_t i = 0; i < THREADS; i++)
        CHECK_EQUAL(pthread_create(&threads[i], &attributes, allocate, (void *)i), 0);
    for (size_t i = 0; i < THREADS; i++) join_thread(threads[i]);
    for (size_t i = 1; i < THREADS; i += 2) verify_and_free(i);
}
