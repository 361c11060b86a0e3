/* expect: mallow: double free of 0x */
/* Two threads, one after the other, free a block of a third one. */
#include "block_threads.h"
#include "twin.h"

int main(void) {
    void *volatile p = malloc(32);
    run_in_thread(free_block, p);
    MISUSE(run_in_thread(free_block, p));
    return 0;
}
