/* cause: possibly lost | modes: leak | asan: no */
#include "corpus.h"

static char *volatile inside;

__attribute__((noinline)) static void work(void) {
    char *p = HIDDEN((char *)malloc(100)); /* ALLOCATED */
    p[0] = 'p';
    inside = HIDDEN(p + 40);
    if (!FAULTY) free(p);
}

__attribute__((noinline)) static void lose(void) {
    char *p = HIDDEN((char *)malloc(50));
    p[0] = 'p';
    if (!FAULTY) free(p);
}

/* Only a pointer to its middle is left. By itself no leak: it is listed when something is lost. */
int main(void) {
    work();
    lose();
    forget();
    return 0;
}
