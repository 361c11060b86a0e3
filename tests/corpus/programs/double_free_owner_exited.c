/* cause: double free | modes: default full hard guard */
#include "corpus.h"

#include <pthread.h>

static void *allocate(void *unused) {
    (void)unused;
    return HIDDEN(malloc(48)); /* ALLOCATED */
}

int main(void) {
    pthread_t thread;
    void *p;
    pthread_create(&thread, NULL, allocate, NULL);
    pthread_join(thread, &p);
    free(p);         /* FREED */
    MISUSE(free(p)); /* BUG */
    return 0;
}
