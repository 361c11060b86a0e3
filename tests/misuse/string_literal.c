/* expect: mallow: invalid free of 0x */
/* Frees a string literal. */
#include "twin.h"

#include <string.h>

int main(void) {
    const char *volatile p = EITHER("a literal", strdup("a literal"));
    free((void *)p);
    return 0;
}
