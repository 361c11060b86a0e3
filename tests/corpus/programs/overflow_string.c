/* cause: heap overflow | modes: full hard guard */
#include "corpus.h"

/* No room for the NUL. */
int main(void) {
    const char *name = HIDDEN((const char *)"sixteen letters!");
    char *p = HIDDEN((char *)malloc(strlen(name) + EITHER(0, 1))); /* ALLOCATED */
    strcpy(p, name);                                               /* BUG:full,guard */
    free(p);                                                       /* FOUND:hard */
    return 0;
}
