/* cause: heap overflow | modes: full hard guard | variants: 1 13 24 100 1000 5001 100001 */
#include "corpus.h"

/* Writes one byte past a size that is smaller than its size class: the slot has room for the byte,
 * but the block does not. */
int main(int argc, char **argv) {
    (void)argc;
    size_t size = number(argv[1]);
    char *p = HIDDEN((char *)malloc(size)); /* ALLOCATED */
    memset(p, 'x', size);
    p[EITHER(size, size - 1)] ^= 'y'; /* BUG */
    free(p);                          /* FOUND */
    return 0;
}
