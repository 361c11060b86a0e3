/*
 * With MALLOW_OPTIONS=purge_thread=on, free memory returns to the system while the program is idle.
 *     purge_thread idle        the memory that the only thread freed, in slabs that stay in use and
 *                              in large blocks
 *     purge_thread child       like "idle", in the child of a fork
 *     purge_thread ended       the process ends when all its threads have ended by pthread_exit
 *     purge_thread none        without the option there is no other thread
 */
#include "check.h"
#include "processes.h"
#include "resident.h"
#include "threads.h"

#include <dirent.h>
#include <string.h>
#include <time.h>

enum { BLOCKS = 400000, BYTES = 200, KEEP_ONE_IN = 1000, LARGE = 100 << 10, LARGE_BLOCKS = 500 };
#define MEBIBYTE ((size_t)1 << 20)
#define LEFT (16 * MEBIBYTE) /* Kept for reuse, or on pages that also hold live blocks. */

static char *blocks[BLOCKS], *large_blocks[LARGE_BLOCKS];

static char *written(size_t bytes) {
    char *block = malloc(bytes);
    CHECK(block != NULL);
    return memset(block, 1, bytes);
}

static void build_up_and_tear_down(void) {
    for (int i = 0; i < BLOCKS; i++) blocks[i] = written(BYTES);
    for (int i = 0; i < LARGE_BLOCKS; i++) large_blocks[i] = written(LARGE);
    for (int i = 0; i < BLOCKS; i++)
        if (i % KEEP_ONE_IN != 0) free(blocks[i]);
    for (int i = 0; i < LARGE_BLOCKS; i++) free(large_blocks[i]);
}

static void sleep_ms(long ms) {
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&time, &time) != 0) continue;
}

/* Purging takes a second, or longer on a busy machine. */
static void goes_back_in_idleness(void) {
    size_t before = resident_bytes();
    build_up_and_tear_down();
    for (int i = 0; i < 150 && resident_bytes() > before + LEFT; i++) sleep_ms(100);
    dprintf(STDOUT_FILENO, "%zu KiB more than before\n", (resident_bytes() - before) >> 10);
    CHECK(resident_bytes() < before + LEFT);
    for (int i = 0; i < BLOCKS; i += KEEP_ONE_IN) {
        for (int at = 0; at < BYTES; at++) CHECK_EQUAL(blocks[i][at], 1);
        free(blocks[i]);
    }
}

static void *go_on_for_a_while(void *argument) {
    for (int i = 0; i < 20; i++) {
        free(written(1000));
        sleep_ms(10);
    }
    return argument;
}

static int count_threads(void) {
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks != NULL);
    int count = -2; /* . and .. */
    while (readdir(tasks) != NULL) count++;
    closedir(tasks);
    return count;
}

int main(int argc, char **argv) {
    CHECK_EQUAL(argc, 2);
    if (strcmp(argv[1], "none") == 0) {
        CHECK_EQUAL(count_threads(), 1);
        return 0;
    }
    CHECK_EQUAL(count_threads(), 2);
    if (strcmp(argv[1], "idle") == 0) {
        goes_back_in_idleness();
    } else if (strcmp(argv[1], "child") == 0) {
        pid_t child = start_child();
        if (child != 0) {
            check_child_succeeds(child);
            return 0;
        }
        CHECK_EQUAL(count_threads(), 2);
        goes_back_in_idleness();
    } else {
        start_thread(go_on_for_a_while, NULL);
        pthread_exit(NULL);
    }
    return 0;
}
