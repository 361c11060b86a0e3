/* cause: definitely lost | modes: leak */
#include "corpus.h"

#include <pthread.h>

static pthread_barrier_t started;

static void *work(void *unused) {
    char *volatile p = malloc(77); /* reachable from this stack */
    pthread_barrier_wait(&started);
    for (;;) {
        free(malloc(33));
        if (p == NULL) return unused;
    }
}

__attribute__((noinline)) static void lose(void) {
    char *p = HIDDEN((char *)malloc(100)); /* ALLOCATED */
    p[0] = 'p';
    if (!FAULTY) free(p);
}

int main(void) {
    pthread_t thread;
    pthread_barrier_init(&started, NULL, 2);
    pthread_create(&thread, NULL, work, NULL);
    pthread_barrier_wait(&started);
    lose();
    forget();
    return 0;
}
