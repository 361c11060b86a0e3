/* cause: use after free | modes: default full hard guard | variants: 32 5000 100000 */
#include "corpus.h"

int main(int argc, char **argv) {
    (void)argc;
    char *p = HIDDEN((char *)malloc(32)); /* ALLOCATED */
    MISUSE(free(p));                      /* FREED */
    p = realloc(p, number(argv[1]));      /* BUG */
    free(p);
    return 0;
}
