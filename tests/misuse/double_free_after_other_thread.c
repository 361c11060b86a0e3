/* expect: mallow: double free of 0x */
#include "block_threads.h"
#include "misuse.h"

int main(void) {
    void *volatile p = malloc(32);
    run_in_thread(free_block, p);
    BUG(free(p));
    return 0;
}
