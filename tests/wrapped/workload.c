/* Threads allocate blocks of all sizes at once, ended threads are followed by new ones, and a
 * forked child allocates too. */
#include "check.h"
#include "threads.h"

#include <string.h>
#include <sys/wait.h>

enum { THREADS = 3, BLOCKS = 100, ROUNDS = 4 };

static void *churn(void *unused) {
    char *blocks[BLOCKS];
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < BLOCKS; i++) {
            size_t bytes = 16 + (i * 977 + round * 131) % (i % 20 != 0 ? 3000 : 300000);
            blocks[i] = malloc(bytes);
            memset(blocks[i], 1, bytes);
            if (i % 10 == 0) blocks[i] = realloc(blocks[i], 2 * bytes);
        }
        for (size_t i = 0; i < BLOCKS; i++) free(blocks[i]);
    }
    return unused;
}

int main(void) {
    pthread_t threads[THREADS];
    for (int turn = 0; turn < 2; turn++) {
        for (int i = 0; i < THREADS; i++) threads[i] = start_thread(churn, NULL);
        for (int i = 0; i < THREADS; i++) join_thread(threads[i]);
    }
    int status;
    pid_t child = fork();
    if (child == 0) {
        churn(NULL);
        _exit(0);
    }
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK_EQUAL(status, 0);
    return 0;
}
