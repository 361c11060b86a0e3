/* expect: mallow: double free of 0x */
#include "twin.h"

int main(void) {
    void *volatile p = malloc(0);
    free(p);
    MISUSE(free(p));
    return 0;
}
