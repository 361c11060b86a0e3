/* cause: double free | modes: default full hard guard */
#include "corpus.h"

#include <pthread.h>

static void *work(void *p) {
    free(p); /* FREED */
    return NULL;
}

int main(void) {
    pthread_t thread;
    char *p = HIDDEN((char *)malloc(48)); /* ALLOCATED */
    pthread_create(&thread, NULL, work, p);
    pthread_join(thread, NULL);
    MISUSE(free(p)); /* BUG */
    return 0;
}
