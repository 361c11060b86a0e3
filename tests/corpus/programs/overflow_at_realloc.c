/* cause: heap overflow | modes: full hard guard | variants: 25 30 5000 */
#include "corpus.h"

int main(int argc, char **argv) {
    (void)argc;
    char *p = HIDDEN((char *)malloc(24));            /* ALLOCATED */
    p[EITHER(24, 23)] ^= 'x';                        /* BUG */
    p = HIDDEN((char *)realloc(p, number(argv[1]))); /* FOUND */
    free(p);
    return 0;
}
