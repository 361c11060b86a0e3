/* expect: mallow: size mismatch of 0x.*, (room|size|alignment) is .*, freed with */
/* Passes free_aligned_sized a size or an alignment that the block does not have. */
#include "twin.h"

#include <dlfcn.h>
#include <stdint.h>

int main(int argc, char **argv) {
    void (*free_aligned_sized)(void *, size_t, size_t) =
        (void (*)(void *, size_t, size_t))dlsym(RTLD_DEFAULT, "free_aligned_sized");
    size_t align = number(argv[argc - 2]), wrong_size = number(argv[argc - 1]);
    void *volatile p;
    do /* the block must not have the wrong alignment by chance */
        p = aligned_alloc(64, 64);
    while (align > 64 && (uintptr_t)p % align == 0);
    free_aligned_sized(aligned_alloc(64, 64), 64, 64);
    free_aligned_sized(NULL, 3, 7);
    free_aligned_sized(p, EITHER(align, 64), EITHER(wrong_size, 64));
    return 0;
}
