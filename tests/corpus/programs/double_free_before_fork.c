/* cause: double free | modes: default full hard guard */
#include "corpus.h"

int main(void) {
    char *p = HIDDEN((char *)malloc(32)); /* ALLOCATED */
    free(p);                              /* FREED */
    pid_t child = fork();
    if (child == 0) {
        MISUSE(free(p)); /* BUG */
        _exit(0);
    }
    return end_of(child);
}
