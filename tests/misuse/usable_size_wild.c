/* expect: mallow: [a-z ]+ of 0x */
#include "twin.h"

#include <malloc.h>

int main(int argc, char **argv) {
    (void)argc;
    return malloc_usable_size(EITHER((void *)number(argv[1]), NULL)) != 0;
}
