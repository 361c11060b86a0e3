/* cause: invalid free | modes: default full hard guard */
#include "corpus.h"

/* Calls realloc to grow a buffer that is still on the stack. */
int main(void) {
    _Alignas(16) char small[16];
    char *p = HIDDEN((char *)EITHER((char *)small, malloc(16)));
    p = realloc(p, 200); /* BUG */
    free(p);
    return 0;
}
