/* expect: mallow: double free of 0x */
/* Another thread frees a block a second time. */
#include "block_threads.h"
#include "twin.h"

int main(void) {
    void *volatile p = malloc(32);
    free(p);
    MISUSE(run_in_thread(free_block, p));
    return 0;
}
