/* expect: mallow: (double|invalid) free of 0x */
/* Frees a block that a thread has allocated and freed before it ended. */
#include "block_threads.h"
#include "twin.h"

int main(void) {
    void *volatile p = run_in_thread(allocate_and_free_block, NULL);
    MISUSE(free(p));
    return p == NULL;
}
