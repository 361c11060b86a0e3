/* cause: heap overflow | modes: full hard guard | variants: 1 13 24 100 1000 5001 100001 */
#include "corpus.h"

/* One byte beyond a size that is no class's: the block has the room, the program does not own it.
 */
int main(int argc, char **argv) {
    (void)argc;
    size_t size = number(argv[1]);
    char *p = HIDDEN((char *)malloc(size)); /* ALLOCATED */
    memset(p, 'x', size);
    p[EITHER(size, size - 1)] ^= 'y'; /* BUG */
    free(p);                          /* FOUND */
    return 0;
}
