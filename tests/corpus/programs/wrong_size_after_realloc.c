/* cause: size mismatch | modes: full hard guard | asan: no */
#include "corpus.h"
#include "sized.h"

/* Frees with the size from before realloc. */
int main(void) {
    void *p = HIDDEN(malloc(100));
    p = HIDDEN(realloc(p, 104));         /* ALLOCATED */
    free_with_size(p, EITHER(100, 104)); /* BUG */
    return 0;
}
