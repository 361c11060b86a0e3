/* cause: double free | modes: full hard guard */
#include "corpus.h"

#include <pthread.h>

static pthread_barrier_t start;

static void *work(void *p) {
    pthread_barrier_wait(&start);
    free(p); /* BUG */ /* FREED */
    return NULL;
}

int main(void) {
    pthread_t thread[2];
    char *p = HIDDEN((char *)malloc(48)); /* ALLOCATED */
    pthread_barrier_init(&start, NULL, 2);
    for (int i = 0; i < 2; i++)
        pthread_create(&thread[i], NULL, work, EITHER(p, i == 0 ? p : NULL));
    for (int i = 0; i < 2; i++) pthread_join(thread[i], NULL);
    return 0;
}
