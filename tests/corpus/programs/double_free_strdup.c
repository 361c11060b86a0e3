/* cause: double free | modes: default full hard guard */
#include "corpus.h"

int main(void) {
    char *p = HIDDEN(strdup("a string made by libc")); /* ALLOCATED */
    free(p);                                           /* FREED */
    MISUSE(free(p));                                   /* BUG */
    return 0;
}
