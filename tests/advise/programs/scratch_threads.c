/* The same as scratch.c, in threads. */
#include <pthread.h>

#include "program.h"

static NOINLINE void planted(int n) {
    size_t size = (size_t)(1 + n * 31 % 3000);
    char *block = malloc(size);
    use(block, size);
    free(block);
}

static void *run(void *unused) {
    for (int i = 0; i < 50000; i++) planted(i);
    return unused;
}

int main(void) {
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, run, NULL);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    return 0;
}
