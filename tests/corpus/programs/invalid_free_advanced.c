/* cause: invalid free | modes: default full hard guard */
#include "corpus.h"

/* The pointer that walked over the string, and not the one to its start. */
int main(void) {
    char *start = HIDDEN((char *)malloc(40)); /* ALLOCATED */
    strcpy(start, "   indented");
    char *p = start;
    while (*p == ' ') p++;
    free(EITHER(HIDDEN(p), start)); /* BUG */
    return 0;
}
