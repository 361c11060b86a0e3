/* expect: SIGSEGV */
#include "twin.h"

int main(void) {
    volatile size_t size = EITHER(0, 1); /* the compiler would warn of a size that it knows */
    volatile char *volatile p = calloc(size, 1);
    char byte = *p;
    free((void *)p);
    return byte;
}
