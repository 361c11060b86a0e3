/* cause: double free | modes: default full hard guard */
#include "corpus.h"

int main(void) {
    char *p = HIDDEN((char *)malloc(32)); /* ALLOCATED */
    char *old = HIDDEN(p);
    p = HIDDEN((char *)realloc(p, 5000)); /* FREED */
    MISUSE(free(old));                    /* BUG */
    free(p);
    return 0;
}
