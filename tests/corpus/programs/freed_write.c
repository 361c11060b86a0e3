/* cause: use after free | modes: full guard | variants: 0 1 31 63 */
#include "corpus.h"

/* Writes a single byte. The error is found at the program's end at the latest. */
int main(int argc, char **argv) {
    (void)argc;
    size_t offset = number(argv[1]);
    char *p = HIDDEN((char *)malloc(64)); /* ALLOCATED */
    MISUSE(free(p));                      /* FREED */
    p[offset] ^= 'x';                     /* BUG:guard */
    if (!FAULTY) free(p);
    return 0;
}
