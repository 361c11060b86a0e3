/* cause: possibly lost | modes: leak | asan: no */
#include "corpus.h"

static char *inside;

__attribute__((noinline)) static void work(void) {
    char *p = HIDDEN((char *)malloc(100)); /* ALLOCATED */
    p[0] = 'p';
    inside = HIDDEN(p + 40);
    if (!FAULTY) free(p);
}

/* Only a pointer to its middle is left. */
int main(void) {
    work();
    forget();
    return 0;
}
