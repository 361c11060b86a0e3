/* expect: mallow: invalid free of 0x[0-9a-f]+ \(.*stack.*\) */
/* Frees a local variable. */
#include "twin.h"

int main(void) {
    char local[64] __attribute__((aligned(64)));
    void *volatile p = EITHER(local, malloc(64));
    free(p);
    return 0;
}
