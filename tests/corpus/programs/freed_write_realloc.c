/* cause: use after free | modes: full guard */
#include "corpus.h"

/* A pointer into the block is used after realloc has moved the block. */
int main(void) {
    char *p = HIDDEN((char *)malloc(64)); /* ALLOCATED */
    char *cursor = HIDDEN(p + 10);
    p = HIDDEN((char *)realloc(p, 6000)); /* FREED */
    if (!FAULTY) cursor = p + 10;
    *cursor = 'x'; /* BUG:guard */
    free(p);
    return 0;
}
