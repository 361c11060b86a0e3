/* cause: still reachable | modes: leak | asan: no */
#include "corpus.h"

static char *volatile table;

__attribute__((noinline)) static void lose(void) {
    char *p = HIDDEN((char *)malloc(50));
    p[0] = 'p';
    if (!FAULTY) free(p);
}

/* A reachable block alone is not a leak: it is counted only if something else is lost. */
int main(void) {
    table = HIDDEN((char *)malloc(100));
    table[0] = 't';
    lose();
    forget();
    if (!FAULTY) free(table);
    return 0;
}
