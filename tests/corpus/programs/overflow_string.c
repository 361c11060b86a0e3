/* cause: heap overflow | modes: full guard */
#include "corpus.h"

/* The block has no room for the NUL. */
int main(void) {
    const char *name = HIDDEN((const char *)"sixteen letters!");
    char *p = HIDDEN((char *)malloc(strlen(name) + EITHER(0, 1))); /* ALLOCATED */
    strcpy(p, name);                                               /* BUG */
    free(p);
    return 0;
}
