/* cause: definitely lost | modes: leak | asan: no */
#include "corpus.h"

#include <pthread.h>

static __thread char *own;

/* Thread-local memory is left by its thread's end. */
static void *work(void *unused) {
    own = HIDDEN((char *)malloc(100)); /* ALLOCATED */
    own[0] = 'o';
    if (!FAULTY) free(own);
    return unused;
}

int main(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, work, NULL);
    pthread_join(thread, NULL);
    forget();
    return 0;
}
