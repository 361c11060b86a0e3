/* expect: mallow: [a-z ]+ of 0x */
/* Passes malloc_usable_size an address without memory. */
#include "twin.h"

#include <malloc.h>

int main(int argc, char **argv) {
    (void)argc;
    return malloc_usable_size(EITHER((void *)number(argv[1]), NULL)) != 0;
}
