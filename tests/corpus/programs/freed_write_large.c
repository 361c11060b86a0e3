/* cause: use after free | modes: full guard | variants: 5000 100000 */
#include "corpus.h"

int main(int argc, char **argv) {
    (void)argc;
    size_t size = number(argv[1]);
    char *p = HIDDEN((char *)malloc(size)); /* ALLOCATED */
    MISUSE(free(p));                        /* FREED */
    p[size - 1] ^= 'x';                     /* BUG:guard */
    if (!FAULTY) free(p);
    return 0;
}
