/* expect: mallow: double free of 0x */
#include "twin.h"

#include <dlfcn.h>

/* libc has cfree for old programs only: nothing can be linked against it any more. */
int main(void) {
    void (*cfree)(void *) = (void (*)(void *))dlsym(RTLD_DEFAULT, "cfree");
    void *volatile p = malloc(32);
    cfree(p);
    MISUSE(cfree(p));
    return 0;
}
