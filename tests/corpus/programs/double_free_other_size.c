/* cause: double free | modes: default full hard guard | variants: 16 400 70000 */
#include "corpus.h"

int main(int argc, char **argv) {
    (void)argc;
    char *p = HIDDEN((char *)malloc(48)); /* ALLOCATED */
    free(p);                              /* FREED */
    char *other = HIDDEN((char *)malloc(number(argv[1])));
    MISUSE(free(p)); /* BUG */
    free(other);
    return 0;
}
