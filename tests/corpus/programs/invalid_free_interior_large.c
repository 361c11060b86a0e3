/* cause: invalid free | modes: default full hard guard | variants: 5000 40000 300000 67108864 */
#include "corpus.h"

int main(int argc, char **argv) {
    (void)argc;
    size_t size = number(argv[1]);
    char *p = HIDDEN((char *)malloc(size)); /* ALLOCATED */
    char *inside = HIDDEN(p + size / 2 / 16 * 16);
    free(EITHER(inside, p)); /* BUG */
    return 0;
}
