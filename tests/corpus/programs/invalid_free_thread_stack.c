/* cause: invalid free | modes: default full hard guard */
#include "corpus.h"

#include <pthread.h>

static void *work(void *unused) {
    (void)unused;
    _Alignas(16) char array[64];
    char *p = HIDDEN((char *)array);
    MISUSE(free(p)); /* BUG */
    return NULL;
}

int main(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, work, NULL);
    pthread_join(thread, NULL);
    return 0;
}
