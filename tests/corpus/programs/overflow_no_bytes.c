/* cause: heap overflow | modes: guard | asan: no */
#include "corpus.h"

int main(void) {
    size_t length = strlen("");
    char *p = HIDDEN((char *)malloc(EITHER(length, length + 1))); /* ALLOCATED */
    p[length] ^= '!';                                             /* BUG */
    free(p);                                                      /* FOUND */
    return 0;
}
