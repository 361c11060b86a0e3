/* cause: definitely lost | modes: leak */
#include "corpus.h"

/* p = realloc(p, ...) loses p when realloc fails. */
__attribute__((noinline)) static void work(void) {
    char *p = HIDDEN((char *)malloc(100)); /* ALLOCATED */
    p[0] = 'p';
    char *larger = realloc(p, HIDDEN((size_t)-1 / 4));
    if (!FAULTY && larger == NULL) larger = p;
    free(larger);
}

int main(void) {
    work();
    forget();
    return 0;
}
