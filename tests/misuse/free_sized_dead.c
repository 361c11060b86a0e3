/* expect: mallow: double free of 0x */
/* Frees a block twice with free_sized. */
#include "twin.h"

#include <dlfcn.h>

int main(void) {
    void (*free_sized)(void *, size_t) =
        (void (*)(void *, size_t))dlsym(RTLD_DEFAULT, "free_sized");
    void *volatile p = malloc(32);
    free_sized(p, 32);
    MISUSE(free_sized(p, 32));
    return 0;
}
