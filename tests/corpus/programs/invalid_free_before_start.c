/* cause: invalid free | modes: default full hard guard | variants: 48 1024 20480 204800 */
#include "corpus.h"

/* Frees the address where a header would be. */
int main(int argc, char **argv) {
    (void)argc;
    char *p = HIDDEN((char *)malloc(number(argv[1])));
    free(EITHER(HIDDEN(p - 16), p)); /* BUG */
    return 0;
}
