/* expect: mallow: invalid free of 0x */
#include "twin.h"

int main(void) {
    void *volatile p = EITHER((void *)main, malloc(1));
    free(p);
    return 0;
}
