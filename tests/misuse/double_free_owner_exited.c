/* expect: mallow: double free of 0x */
#include "misuse.h"
#include "block_threads.h"

int main(void) {
    void *volatile p = run_in_thread(allocate_block, NULL);
    free(p);
    BUG(free(p));
    return 0;
}
