/* cause: heap overflow | modes: full hard guard | variants: 64 4096 1048576 */
#include "corpus.h"

int main(int argc, char **argv) {
    (void)argc;
    void *block;
    if (posix_memalign(&block, number(argv[1]), 100) != 0) return 1; /* ALLOCATED */
    char *p = HIDDEN((char *)block);
    p[EITHER(100, 99)] ^= 'x'; /* BUG */
    free(p);                   /* FOUND */
    return 0;
}
