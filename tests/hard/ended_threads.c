/*
 * The checking modes keep freed blocks in a quarantine. After a thread has ended, its quarantined
 * memory is still returned to the system.
 *     ended_threads trim       malloc_trim returns it
 *     ended_threads activity   it is returned while another thread works
 *     ended_threads one        a single block leaves the quarantine too, and a write after its free
 *                              is detected at that time (check=full)
 */
#include "check.h"
#include "resident.h"
#include "threads.h"

#include <malloc.h>
#include <mcheck.h>
#include <string.h>
#include <time.h>

enum { THREADS = 30, LARGEST = 16000, STEP = 200, LEFT = 32 << 20, PATIENCE = 20 };

static pthread_barrier_t together;

static void *churn(void *argument) {
    static __thread void *volatile blocks[LARGEST / STEP];
    for (int round = 0; round < 4; round++) {
        for (size_t i = 0; i < LARGEST / STEP; i++) {
            blocks[i] = malloc(1 + i * STEP);
            memset(blocks[i], 1, 1 + i * STEP);
        }
        for (size_t i = 0; i < LARGEST / STEP; i++) free(blocks[i]);
    }
    pthread_barrier_wait(&together);
    return argument;
}

static void run_threads(void) {
    pthread_t threads[THREADS];
    CHECK_EQUAL(pthread_barrier_init(&together, NULL, THREADS), 0);
    for (int i = 0; i < THREADS; i++) threads[i] = start_thread(churn, NULL);
    for (int i = 0; i < THREADS; i++) join_thread(threads[i]);
}

/* Takes slow paths in every mode. */
static void work(void) {
    static void *few[2000];
    for (time_t end = time(NULL) + 1; time(NULL) <= end;) {
        for (size_t i = 0; i < 2000; i++) few[i] = malloc(100);
        for (size_t i = 0; i < 2000; i++) free(few[i]);
    }
}

static void *write_late(void *argument) {
    char *volatile block = malloc(100);
    free(block);
    *(volatile char *)block = 1;
    return argument;
}

static void found(enum mcheck_status status) { _exit(status == MCHECK_FREE ? 0 : 1); }

static int find_late_write(void) {
    mcheck(found);
    join_thread(start_thread(write_late, NULL));
    for (int i = 0; i < PATIENCE; i++) work();
    _exit(1); /* exit() would verify all blocks, which also finds the write. */
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    if (strcmp(argv[1], "one") == 0) return find_late_write();
    size_t before = resident_bytes();
    run_threads();
    size_t at_end = resident_bytes();
    if (strcmp(argv[1], "trim") == 0)
        malloc_trim(0);
    else
        for (int i = 0; i < PATIENCE && resident_bytes() >= before + LEFT; i++) work();
    size_t left = resident_bytes() - before;
    dprintf(STDOUT_FILENO, "%zu KiB after the threads, %zu KiB are left\n", (at_end - before) >> 10,
            left >> 10);
    CHECK(left < LEFT);
}
