/* expect: mallow: invalid free of 0x */
/* Frees an address of a mapping that the program has unmapped. */
#include "twin.h"

#include <sys/mman.h>

enum { LENGTH = 1 << 20 };

int main(void) {
    char *volatile p =
        mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int status = munmap(p, LENGTH);
    MISUSE(free(p));
    return status;
}
