/* cause: double free | modes: default full hard guard | variants: 1 64 */
#include "corpus.h"

/* Without a quarantine the second free may free one of the new blocks, and that block's own free is
 * then the error. */
int main(int argc, char **argv) {
    (void)argc;
    size_t n = number(argv[1]);
    char *between[64];
    char *p = HIDDEN((char *)malloc(48)); /* ALLOCATED */
    free(p);                              /* FREED:full,hard,guard */
    for (size_t i = 0; i < n; i++) between[i] = malloc(48);
    MISUSE(free(p));                                 /* BUG */
    for (size_t i = 0; i < n; i++) free(between[i]); /* FOUND:default */
    return 0;
}
