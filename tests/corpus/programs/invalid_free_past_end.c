/* cause: invalid free | modes: default full hard guard | variants: 48 1024 20480 204800 */
#include "corpus.h"

int main(int argc, char **argv) {
    (void)argc;
    size_t size = number(argv[1]);
    char *p = HIDDEN((char *)malloc(size));
    free(EITHER(HIDDEN(p + size), p)); /* BUG */
    return 0;
}
