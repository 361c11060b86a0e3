/* cause: invalid free | modes: default full hard guard | variants: 1 4 8 16 48 64 99 */
#include "corpus.h"

int main(int argc, char **argv) {
    (void)argc;
    char *p = HIDDEN((char *)malloc(100)); /* ALLOCATED */
    char *inside = HIDDEN(p + number(argv[1]));
    free(EITHER(inside, p)); /* BUG */
    return 0;
}
