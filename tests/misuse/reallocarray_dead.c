/* expect: mallow: (double free|invalid free|use after free|invalid realloc|invalid pointer) of 0x
 */
#include "misuse.h"

int main(void) {
    void *volatile p = malloc(32);
    BUG(free(p));
    p = reallocarray(p, 10, 10);
    free(p);
    return 0;
}
