/* Forty thousand threads run one after another, and each leaves a block. Memory does not grow. */
#include "check.h"
#include "resident.h"
#include "threads.h"

#include <string.h>

enum { THREADS = 40000, WARM_UP = 1000, SIZES = 10 };

/* Returns a block for the next thread to free. */
static void *one_life(void *inherited) {
    void *blocks[SIZES];
    for (size_t i = 0; i < SIZES; i++)
        blocks[i] = memset(malloc((size_t)16 << i), 1, (size_t)16 << i);
    free(inherited);
    for (size_t i = 1; i < SIZES; i++) free(blocks[i]);
    return blocks[0];
}

int main(void) {
    void *inherited = NULL;
    size_t before = 0;
    for (int i = 0; i < THREADS; i++) {
        if (i == WARM_UP) before = resident_bytes();
        inherited = run_in_thread(one_life, inherited);
    }
    free(inherited);
    CHECK(resident_bytes() < before + (1 << 20));
}
