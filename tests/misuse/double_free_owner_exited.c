/* expect: mallow: double free of 0x */
/* Frees a block twice after the thread that allocated it has ended. */
#include "block_threads.h"
#include "twin.h"

int main(void) {
    void *volatile p = run_in_thread(allocate_block, NULL);
    free(p);
    MISUSE(free(p));
    return 0;
}
