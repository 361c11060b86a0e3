/* cause: invalid free | modes: default full hard guard */
#include "corpus.h"

/* A buffer that begins on the stack and is to grow. */
int main(void) {
    _Alignas(16) char small[16];
    char *p = HIDDEN((char *)EITHER((char *)small, malloc(16)));
    p = realloc(p, 200); /* BUG */
    free(p);
    return 0;
}
