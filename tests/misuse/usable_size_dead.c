/* expect: mallow: [a-z ]+ of 0x */
/* Passes malloc_usable_size a freed block. */
#include "twin.h"

#include <malloc.h>

int main(int argc, char **argv) {
    (void)argc;
    void *volatile p = malloc(number(argv[1]));
    MISUSE(free(p));
    size_t size = malloc_usable_size(p);
    free(p);
    return size < number(argv[1]);
}
