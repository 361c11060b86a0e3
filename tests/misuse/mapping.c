/* expect: mallow: invalid free of 0x[0-9a-f]+ \(.*mapping.*\) */
/* Frees memory of a mapping that the program has made. */
#include "twin.h"

#include <sys/mman.h>

enum { LENGTH = 1 << 20 };

int main(void) {
    char *volatile p =
        mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MISUSE(free(p));
    return munmap(p, LENGTH);
}
