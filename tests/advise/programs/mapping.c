/* The pages of a block become read-only. */
#include <sys/mman.h>

#include "program.h"

static NOINLINE void *planted(void) { return aligned_alloc(4096, 16384); }

int main(void) {
    void *block = planted();
    use(block, 16384);
    mprotect(block, 16384, PROT_READ);
    mprotect(block, 16384, PROT_READ | PROT_WRITE);
    free(block);
    return 0;
}
