/* expect: mallow: double free of 0x */
#include "misuse.h"

int main(void) {
    void *volatile p = malloc(0);
    free(p);
    BUG(free(p));
    return 0;
}
