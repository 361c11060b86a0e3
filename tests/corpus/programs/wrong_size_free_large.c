/* cause: size mismatch | modes: full hard guard | variants: 4096 262144 67108864 | asan: no */
#include "corpus.h"
#include "sized.h"

int main(int argc, char **argv) {
    (void)argc;
    size_t size = number(argv[1]);
    void *p = HIDDEN(malloc(size));            /* ALLOCATED */
    free_with_size(p, EITHER(size - 8, size)); /* BUG */
    return 0;
}
