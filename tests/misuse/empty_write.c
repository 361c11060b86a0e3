/* expect: SIGSEGV */
#include "twin.h"

int main(void) {
    volatile char *volatile p = malloc(EITHER(0, 1));
    *p = 1;
    free((void *)p);
    return 0;
}
