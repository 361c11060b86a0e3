/* expect: SIGSEGV */
/* Writes to a block of no bytes. */
#include "twin.h"

int main(void) {
    volatile size_t size = EITHER(0, 1); /* the compiler would warn about a known size */
    volatile char *volatile p = malloc(size);
    *p = 1;
    free((void *)p);
    return 0;
}
