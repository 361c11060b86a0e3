/* expect: SIGSEGV */
#include "twin.h"

int main(void) {
    volatile char *volatile p = calloc(EITHER(0, 1), 1);
    char byte = *p;
    free((void *)p);
    return byte;
}
