/* expect: mallow: double free of 0x */
/* Frees a block twice with free_aligned_sized. */
#include "twin.h"

#include <dlfcn.h>

int main(void) {
    void (*free_aligned_sized)(void *, size_t, size_t) =
        (void (*)(void *, size_t, size_t))dlsym(RTLD_DEFAULT, "free_aligned_sized");
    void *volatile p = aligned_alloc(64, 128);
    free_aligned_sized(p, 64, 128);
    MISUSE(free_aligned_sized(p, 64, 128));
    return 0;
}
