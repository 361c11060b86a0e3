/* mcheck_check_all reports nothing while other threads create and retire slabs and resize blocks in
 * place. */
#include <mcheck.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "threads.h"

enum { THREADS = 3, BLOCKS = 800, ROUNDS = 1000 };

static void *make_and_retire(void *argument) {
    static __thread char *blocks[BLOCKS];
    for (unsigned round = 0;; round++) {
        for (int i = 0; i < BLOCKS; i++) blocks[i] = malloc(1000 + round % 4 * 500);
        for (int i = 0; i < BLOCKS; i++) free(blocks[i]);
    }
    return argument;
}

static void *resize(void *argument) {
    for (;;) {
        char *volatile block = malloc(200);
        for (unsigned i = 0; i < 200; i++) {
            block = realloc(block, 185 + i * 7 % 20);
            memset(block, 1, 185);
        }
        free(block);
    }
    return argument;
}

int main(void) {
    start_thread(resize, NULL);
    for (int i = 1; i < THREADS; i++) start_thread(make_and_retire, NULL);
    for (int i = 0; i < ROUNDS; i++) mcheck_check_all();
    _exit(0);
}
