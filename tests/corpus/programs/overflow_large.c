/* cause: heap overflow | modes: full hard guard | variants: 4096 20480 204800 67108864 */
#include "corpus.h"

int main(int argc, char **argv) {
    (void)argc;
    size_t size = number(argv[1]);
    char *p = HIDDEN((char *)malloc(size)); /* ALLOCATED */
    p[EITHER(size, size - 1)] ^= 'x';       /* BUG */
    free(p);                                /* FOUND:full,hard */
    return 0;
}
