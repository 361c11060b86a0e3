/* expect: SIGSEGV */
#include "twin.h"

int main(void) {
    volatile size_t size = EITHER(0, 1); /* the compiler would warn of a size that it knows */
    volatile char *volatile p = malloc(size);
    *p = 1;
    free((void *)p);
    return 0;
}
