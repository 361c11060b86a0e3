/* expect: mallow: size mismatch of 0x.*, room is .*, freed with */
/* Passes free_sized a size that does not fit the block's slot. A block may have been resized to any
 * size that fits. */
#include "twin.h"

#include <dlfcn.h>
#include <stdint.h>

int main(int argc, char **argv) {
    void (*free_sized)(void *, size_t) =
        (void (*)(void *, size_t))dlsym(RTLD_DEFAULT, "free_sized");
    size_t size = number(argv[argc - 2]), wrong_size = number(argv[argc - 1]);
    void *volatile grown = malloc(size), *volatile shrunk = malloc(size),
                   *volatile p = malloc(size);
    grown = realloc(grown, size + size / 3);
    free_sized(grown, size + size / 3);
    shrunk = realloc(shrunk, size - size / 3);
    free_sized(shrunk, size - size / 3);
    free_sized(malloc(0), 0);
    free_sized(NULL, 7);
    free_sized(p, EITHER(wrong_size, size));
    return 0;
}
