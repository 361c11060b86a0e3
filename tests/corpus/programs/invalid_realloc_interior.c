/* cause: invalid free | modes: default full hard guard | variants: 8 16 */
#include "corpus.h"

int main(int argc, char **argv) {
    (void)argc;
    char *p = HIDDEN((char *)malloc(100)); /* ALLOCATED */
    char *inside = HIDDEN(p + number(argv[1]));
    p = realloc(EITHER(inside, p), 200); /* BUG */
    free(p);
    return 0;
}
