/* cause: use after free | modes: default full hard guard */
#include "corpus.h"

#include <malloc.h>

int main(void) {
    char *p = HIDDEN((char *)malloc(32));  /* ALLOCATED */
    MISUSE(free(p));                       /* FREED */
    size_t usable = malloc_usable_size(p); /* BUG */
    free(p);
    return usable < 32;
}
