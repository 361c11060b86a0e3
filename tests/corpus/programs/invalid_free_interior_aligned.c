/* cause: invalid free | modes: default full hard guard | variants: 64 4096 1048576 */
#include "corpus.h"

int main(int argc, char **argv) {
    (void)argc;
    void *p;
    if (posix_memalign(&p, number(argv[1]), 200) != 0) return 1; /* ALLOCATED */
    void *inside = HIDDEN((char *)p + 16);
    free(EITHER(inside, p)); /* BUG */
    return 0;
}
