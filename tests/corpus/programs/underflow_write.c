/* cause: heap underflow | modes: full | variants: 1 8 64 */
#include "corpus.h"

int main(int argc, char **argv) {
    (void)argc;
    size_t before = EITHER(number(argv[1]), 0);
    char *other = HIDDEN((char *)malloc(64));
    char *p = HIDDEN((char *)malloc(64));              /* ALLOCATED */
    for (size_t i = 1; i <= before; i++) p[-i] ^= 'x'; /* BUG */
    free(p);                                           /* FOUND */
    free(other);
    return 0;
}
