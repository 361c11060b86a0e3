/* cause: double free | modes: default full hard guard */
#include "corpus.h"

static int parse(char *line, int fails) {
    int status = 0;
    if (fails) {
        status = -1;
        MISUSE(free(line)); /* FREED */
    }
    return status;
}

/* Both the function that found the error and its caller clean up. */
int main(void) {
    char *line = HIDDEN((char *)malloc(80)); /* ALLOCATED */
    int status = parse(line, 1);
    free(line); /* BUG */
    return status == 0;
}
