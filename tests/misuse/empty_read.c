/* expect: SIGSEGV */
/* Reads a block of no bytes. */
#include "twin.h"

int main(void) {
    volatile size_t size = EITHER(0, 1); /* the compiler would warn about a known size */
    volatile char *volatile p = calloc(size, 1);
    char byte = *p;
    free((void *)p);
    return byte;
}
