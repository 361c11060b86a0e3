/* expect: mallow: size mismatch of 0x.*, room is .*, freed with */
#include "twin.h"

#include <dlfcn.h>
#include <stdint.h>

/* As far as the block's own room tells: it may have been resized to any size that fits. */
int main(int argc, char **argv) {
    void (*free_sized)(void *, size_t) =
        (void (*)(void *, size_t))dlsym(RTLD_DEFAULT, "free_sized");
    size_t size = number(argv[argc - 2]), told = number(argv[argc - 1]);
    void *volatile grown = malloc(size), *volatile shrunk = malloc(size),
                   *volatile p = malloc(size);
    grown = realloc(grown, size + size / 3);
    free_sized(grown, size + size / 3);
    shrunk = realloc(shrunk, size - size / 3);
    free_sized(shrunk, size - size / 3);
    free_sized(malloc(0), 0);
    free_sized(NULL, 7);
    free_sized(p, EITHER(told, size));
    return 0;
}
