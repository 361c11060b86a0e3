/* cause: heap overflow | modes: full hard guard | variants: 1 8 64 */
#include "corpus.h"

int main(int argc, char **argv) {
    (void)argc;
    size_t beyond = EITHER(number(argv[1]), 0);
    char *p = HIDDEN((char *)malloc(64));                 /* ALLOCATED */
    for (size_t i = 0; i < 64 + beyond; i++) p[i] ^= 'x'; /* BUG */
    free(p);                                              /* FOUND:full,hard */
    return 0;
}
