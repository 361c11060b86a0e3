/* A key is kept out of core files. */
#include <sys/mman.h>

#include "program.h"

static NOINLINE void *planted(void) { return aligned_alloc(4096, 4096); }

int main(void) {
    void *key = planted();
    madvise(key, 4096, MADV_DONTDUMP);
    use(key, 32);
    free(key);
    return 0;
}
