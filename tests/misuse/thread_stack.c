/* expect: mallow: invalid free of 0x */
/* Frees a local variable of a thread other than the first. */
#include "block_threads.h"
#include "twin.h"

static void *free_local(void *unused) {
    (void)unused;
    char local[64] __attribute__((aligned(64)));
    void *volatile p = EITHER(local, malloc(64));
    free(p);
    return NULL;
}

int main(void) {
    run_in_thread(free_local, NULL);
    return 0;
}
