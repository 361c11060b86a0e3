/* cause: double free | modes: default full hard guard | variants: 64 4096 1048576 */
#include "corpus.h"

int main(int argc, char **argv) {
    (void)argc;
    void *p;
    if (posix_memalign(&p, number(argv[1]), 100) != 0) return 1; /* ALLOCATED */
    free(p);                                                     /* FREED */
    MISUSE(free(p));                                             /* BUG */
    return 0;
}
