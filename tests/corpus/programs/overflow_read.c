/* cause: heap overflow | modes: guard | variants: 0 7 63 */
#include "corpus.h"

int main(int argc, char **argv) {
    (void)argc;
    size_t beyond = number(argv[1]);
    volatile char *p = HIDDEN((char *)malloc(64)); /* ALLOCATED */
    p[63] = 'x';
    char c = HIDDEN((char)p[EITHER(64 + beyond, 63)]); /* BUG */
    free((char *)p);
    return c == 0;
}
