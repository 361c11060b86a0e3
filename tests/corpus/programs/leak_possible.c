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

/* Only a pointer to the block's middle is left. That alone is not a leak: it is listed only if
 * something else is definitely lost. */
int main(void) {
    work();
    lose();
    forget();
    return 0;
}
