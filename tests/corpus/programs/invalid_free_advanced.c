/* cause: invalid free | modes: default full hard guard */
#include "corpus.h"

/* Frees the pointer that has advanced over the string, not the one to its start. */
int main(void) {
    char *start = HIDDEN((char *)malloc(40)); /* ALLOCATED */
    strcpy(start, "   indented");
    char *p = start;
    while (*p == ' ') p++;
    free(EITHER(HIDDEN(p), start)); /* BUG */
    return 0;
}
