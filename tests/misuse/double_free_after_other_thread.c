/* expect: mallow: double free of 0x */
/* Frees a block that another thread has freed. */
#include "block_threads.h"
#include "twin.h"

int main(void) {
    void *volatile p = malloc(32);
    run_in_thread(free_block, p);
    MISUSE(free(p));
    return 0;
}
