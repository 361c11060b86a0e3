/* cause: heap overflow | modes: full hard guard */
#include "corpus.h"

/* The block was shrunk, but its user still writes to its old end. */
int main(void) {
    char *p = HIDDEN((char *)malloc(100));
    memset(p, 'x', 100);
    p = HIDDEN((char *)realloc(p, 50)); /* ALLOCATED */
    p[EITHER(50, 49)] ^= 'x';           /* BUG */
    free(p);                            /* FOUND */
    return 0;
}
