/* cause: use after free | modes: full hard guard */
#include "corpus.h"

/* The program then allocates so much that the freed block leaves the quarantine. */
int main(void) {
    char *p = HIDDEN((char *)malloc(64)); /* ALLOCATED */
    MISUSE(free(p));                      /* FREED */
    p[8] ^= 'x';                          /* BUG:guard */
    for (int i = 0; i < 100000; i++) free(HIDDEN(malloc(64)));
    for (int i = 0; i < 500; i++) free(HIDDEN(malloc(1000000)));
    if (!FAULTY) free(p);
    return 0;
}
