/* cause: heap overflow | modes: full hard guard */
#include "corpus.h"

#include <pthread.h>

static void *work(void *block) {
    char *p = block;
    p[EITHER(48, 47)] ^= 'x'; /* BUG */
    return NULL;
}

int main(void) {
    pthread_t thread;
    char *p = HIDDEN((char *)malloc(48)); /* ALLOCATED */
    pthread_create(&thread, NULL, work, p);
    pthread_join(thread, NULL);
    free(p); /* FOUND:full,hard */
    return 0;
}
