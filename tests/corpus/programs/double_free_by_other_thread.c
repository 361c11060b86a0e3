/* cause: double free | modes: default full hard guard */
#include "corpus.h"

#include <pthread.h>

static void *work(void *p) {
    MISUSE(free(p)); /* BUG */
    return NULL;
}

int main(void) {
    pthread_t thread;
    char *p = HIDDEN((char *)malloc(48)); /* ALLOCATED */
    free(p);                              /* FREED */
    pthread_create(&thread, NULL, work, p);
    pthread_join(thread, NULL);
    return 0;
}
