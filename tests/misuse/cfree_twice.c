/* expect: mallow: double free of 0x */
/* Frees a block twice with cfree. Programs cannot be linked against it any more, because libc keeps
 * it only for old ones. */
#include "twin.h"

#include <dlfcn.h>

int main(void) {
    void (*cfree)(void *) = (void (*)(void *))dlsym(RTLD_DEFAULT, "cfree");
    void *volatile p = malloc(32);
    cfree(p);
    MISUSE(cfree(p));
    return 0;
}
