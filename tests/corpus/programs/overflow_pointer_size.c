/* cause: heap overflow | modes: full hard guard */
#include "corpus.h"

struct point {
    double x, y, z;
};

/* sizeof the pointer, not of what it points to. */
int main(void) {
    struct point *p;
    p = HIDDEN((struct point *)malloc(EITHER(sizeof p, sizeof *p))); /* ALLOCATED */
    p->x = p->y = p->z = 1;                                          /* BUG */
    free(p);                                                         /* FOUND */
    return 0;
}
