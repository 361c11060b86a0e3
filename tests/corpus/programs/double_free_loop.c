/* cause: double free | modes: full hard guard | variants: 50 */
#include "corpus.h"

/* Frees the same stale pointer again and again while the size is in use. Each round may free a
 * block of another owner. */
int main(int argc, char **argv) {
    (void)argc;
    char *stale = HIDDEN((char *)malloc(48)); /* ALLOCATED */
    free(stale);                              /* FREED */
    for (size_t i = 0; i < number(argv[1]); i++) {
        char *p = HIDDEN((char *)malloc(48));
        MISUSE(free(stale)); /* BUG */
        if (!FAULTY || p != stale) free(p);
    }
    return 0;
}
