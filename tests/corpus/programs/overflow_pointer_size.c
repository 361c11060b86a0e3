/* cause: heap overflow | modes: full hard guard */
#include "corpus.h"

struct point {
    double x, y, z;
};

/* The size is that of the pointer instead of the object. */
int main(void) {
    struct point *p;
    p = HIDDEN((struct point *)malloc(EITHER(sizeof p, sizeof *p))); /* ALLOCATED */
    p->x = p->y = p->z = 1;                                          /* BUG */
    free(p);                                                         /* FOUND */
    return 0;
}
