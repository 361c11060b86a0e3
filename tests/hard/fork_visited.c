/*
 * A process forks while another thread returns pages of the forking thread's heap to the system.
 * The child has a consistent heap and can reuse the blocks that were free in it.
 */
#include "check.h"
#include "processes.h"
#include "threads.h"

#include <malloc.h>
#include <string.h>
#include <time.h>

enum {
    BLOCKS = 50000,
    BYTES = 1000,
    KEEP_ONE_IN = 64,
    FREE = BLOCKS - BLOCKS / KEEP_ONE_IN - 5000
};
enum { CHILDREN = 100, REUSED_PERCENT = 98 };

static char *blocks[BLOCKS];

static void *free_most(void *argument) {
    for (int i = 0; i < BLOCKS; i++)
        if (i % KEEP_ONE_IN != 0) free(blocks[i]);
    return argument;
}

static volatile int trimming = 1;

static void *trim_always(void *argument) {
    while (trimming) malloc_trim(0);
    return argument;
}

/* New blocks must lie where the freed ones did. */
static void check_reuse(const char *low, const char *high) {
    int reused = 0;
    for (int i = 0; i < FREE; i++) {
        const char *block = malloc(BYTES);
        CHECK(block != NULL);
        reused += block >= low && block <= high;
    }
    CHECK(reused > FREE / 100 * REUSED_PERCENT);
    for (int i = 0; i < BLOCKS; i += KEEP_ONE_IN)
        for (int at = 0; at < BYTES; at++) CHECK_EQUAL(blocks[i][at], 1);
}

int main(void) {
    const char *low, *high;
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(BYTES);
        CHECK(blocks[i] != NULL);
        memset(blocks[i], 1, BYTES);
    }
    low = high = blocks[0];
    for (int i = 0; i < BLOCKS; i++) {
        low = blocks[i] < low ? blocks[i] : low;
        high = blocks[i] > high ? blocks[i] : high;
    }
    run_in_thread(free_most, NULL);
    pthread_t trimmer = start_thread(trim_always, NULL);
    for (int i = 0; i < CHILDREN; i++) {
        nanosleep(&(struct timespec){0, 300000}, NULL);
        pid_t child = start_child();
        if (child == 0) {
            check_reuse(low, high);
            _exit(0);
        }
        check_child_succeeds(child);
    }
    trimming = 0;
    join_thread(trimmer);
}
