/* cause: double free | modes: default full hard guard */
#include "corpus.h"
#include "sized.h"

int main(void) {
    void *p = HIDDEN(malloc(32));  /* ALLOCATED */
    free_with_size(p, 32);         /* FREED */
    MISUSE(free_with_size(p, 32)); /* BUG */
    return 0;
}
