/* cause: double free | modes: default=double-free,invalid-free full hard guard | variants: 10 1000
 * 100000 */
#include "corpus.h"

int main(int argc, char **argv) {
    (void)argc;
    int *p = HIDDEN((int *)calloc(number(argv[1]), sizeof *p)); /* ALLOCATED */
    free(p);                                                    /* FREED */
    MISUSE(free(p));                                            /* BUG */
    return 0;
}
