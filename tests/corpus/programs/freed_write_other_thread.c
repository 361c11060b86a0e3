/* cause: use after free | modes: full guard */
#include "corpus.h"

#include <pthread.h>

static void *work(void *p) {
    MISUSE(free(p)); /* FREED */
    return NULL;
}

int main(void) {
    pthread_t thread;
    char *p = HIDDEN((char *)malloc(64)); /* ALLOCATED */
    pthread_create(&thread, NULL, work, p);
    pthread_join(thread, NULL);
    p[20] ^= 'x'; /* BUG:guard */
    if (!FAULTY) free(p);
    return 0;
}
