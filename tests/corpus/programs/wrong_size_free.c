/* cause: size mismatch | modes: full hard guard | variants: 31 33 48 16 1 100000 | asan: no */
#include "corpus.h"
#include "sized.h"

int main(int argc, char **argv) {
    (void)argc;
    void *p = HIDDEN(malloc(32));                   /* ALLOCATED */
    free_with_size(p, EITHER(number(argv[1]), 32)); /* BUG */
    return 0;
}
