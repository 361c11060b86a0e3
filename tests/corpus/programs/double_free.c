/* cause: double free | modes: default=double-free,invalid-free full hard guard | variants: 1 48
 * 2000 20000 200000 67108864
 */
#include "corpus.h"

int main(int argc, char **argv) {
    (void)argc;
    char *p = HIDDEN((char *)malloc(number(argv[1]))); /* ALLOCATED */
    p[0] = 'p';
    free(p);         /* FREED */
    MISUSE(free(p)); /* BUG */
    return 0;
}
