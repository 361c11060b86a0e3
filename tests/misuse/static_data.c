/* expect: mallow: invalid free of 0x */
/* Frees a static variable. */
#include "twin.h"

int main(void) {
    static char data[64] __attribute__((aligned(64)));
    void *volatile p = EITHER(data, malloc(64));
    free(p);
    return 0;
}
