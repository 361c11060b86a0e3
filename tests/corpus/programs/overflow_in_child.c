/* cause: heap overflow | modes: full hard guard */
#include "corpus.h"

int main(void) {
    char *p = HIDDEN((char *)malloc(48)); /* ALLOCATED */
    pid_t child = fork();
    if (child == 0) {
        p[EITHER(48, 47)] ^= 'x'; /* BUG */
        free(p);                  /* FOUND:full,hard */
        _exit(0);
    }
    free(p);
    return end_of(child);
}
