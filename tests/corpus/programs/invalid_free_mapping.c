/* cause: invalid free | modes: default full hard guard */
#include "corpus.h"

#include <sys/mman.h>

int main(void) {
    void *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return 1;
    MISUSE(free(p)); /* BUG */
    munmap(p, 65536);
    return 0;
}
