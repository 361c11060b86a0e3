/* cause: definitely lost | modes: leak | variants: 24 5000 200000 16777216 */
#include "corpus.h"

__attribute__((noinline)) static void work(size_t size) {
    char *p = HIDDEN((char *)malloc(size)); /* ALLOCATED */
    p[0] = 'p';
    if (!FAULTY) free(p);
}

int main(int argc, char **argv) {
    (void)argc;
    work(number(argv[1]));
    forget();
    return 0;
}
