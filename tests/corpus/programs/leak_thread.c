/* cause: definitely lost | modes: leak | asan: no */
#include "corpus.h"

#include <pthread.h>

static __thread char *own;

/* The only pointer to the block is thread-local, and so is lost when the thread ends. */
static void *work(void *unused) {
    own = HIDDEN((char *)malloc(100)); /* ALLOCATED */
    own[0] = 'o';
    if (!FAULTY) free(own);
    return unused;
}

/* The thread's stack, which also holds thread-local variables, is too large for libc to cache. */
int main(void) {
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, (size_t)64 << 20);
    pthread_create(&thread, &attributes, work, NULL);
    pthread_join(thread, NULL);
    forget();
    return 0;
}
