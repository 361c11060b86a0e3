/* cause: heap overflow | modes: full guard */
#include "corpus.h"

/* The classic error: a NUL one byte too far. */
int main(void) {
    size_t size = 40;
    char *p = HIDDEN((char *)malloc(size)); /* ALLOCATED */
    memset(p, 'x', size);
    p[EITHER(size, size - 1)] = '\0'; /* BUG */
    free(p);                          /* FOUND */
    return 0;
}
