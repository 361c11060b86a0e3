/* cause: double free | modes: default full hard guard */
#include "corpus.h"

int main(void) {
    char *p = HIDDEN((char *)malloc(32)); /* ALLOCATED */
    pid_t child = fork();
    if (child == 0) {
        free(p);         /* FREED */
        MISUSE(free(p)); /* BUG */
        _exit(0);
    }
    int end = end_of(child); /* keeps a compiler from merging the two frees */
    free(p);
    return end;
}
