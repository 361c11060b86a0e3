/* cause: heap underflow | modes: full guard | variants: 1 8 64 */
#include "corpus.h"

/* A block of whole pages begins where its page begins, so a guard page is right before it. */
int main(int argc, char **argv) {
    (void)argc;
    size_t before = EITHER(number(argv[1]), 0);
    char *p = HIDDEN((char *)malloc(8192));            /* ALLOCATED */
    for (size_t i = 1; i <= before; i++) p[-i] ^= 'x'; /* BUG */
    free(p);                                           /* FOUND:full */
    return 0;
}
