/* cause: heap overflow | modes: full hard guard */
#include "corpus.h"

/* A loop with <= instead of <. */
int main(void) {
    enum { COUNT = 16 };
    int *p = HIDDEN((int *)calloc(COUNT, sizeof *p));            /* ALLOCATED */
    for (int i = 0; i < EITHER(COUNT + 1, COUNT); i++) p[i] = i; /* BUG */
    free(p);                                                     /* FOUND:full,hard */
    return 0;
}
