/* cause: heap overflow | modes: full hard guard */
#include "corpus.h"

static char *volatile kept;

/* A block that is never freed. */
int main(void) {
    kept = HIDDEN((char *)malloc(24)); /* ALLOCATED */
    kept[EITHER(24, 23)] ^= 'x';
    return 0;
}
