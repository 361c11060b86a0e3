/* cause: double free | modes: default full hard guard */
#include "corpus.h"

int main(void) {
    char *p = HIDDEN((char *)malloc(32));       /* ALLOCATED */
    char *none = HIDDEN((char *)realloc(p, 0)); /* FREED */
    MISUSE(free(p));                            /* BUG */
    return none != NULL;
}
