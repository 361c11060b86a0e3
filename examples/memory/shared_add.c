/* Adds 1 a number of times to a counter in a shared heap. shared_total is another program that
 * reads it. Neither program starts the other: both open the file of the heap, and each maps it at a
 * different address. The first one creates the heap and the counter.
 *
 *     $ shared_add 5000000 & shared_add 5000000 & shared_add 1000000; wait
 *     $ shared_total
 *     the counter is 11000000, and the heap has 1 block
 */
#include "shared_counter.h"

#include <stdlib.h>

int main(int argc, char **argv) {
    long times = argc > 1 ? strtol(argv[1], NULL, 10) : 1;
    struct mallow_shared *heap;
    struct mallow_shared_options options = {.size = 1 << 16};
    require(mallow_shared_open_file(&heap, HEAP_FILE, MALLOW_SHARED_OPEN_OR_CREATE, &options));

    /* Finds or creates the counter in one step, so that two programs never create two counters. A
     * new counter is 0. */
    counter_handle handle;
    require(mallow_shared_find_or_alloc(heap, COUNTER_NAME, sizeof(struct counter), &handle.handle,
                                        NULL));
    struct counter *counter = MALLOW_SHARED_GET(heap, handle);
    if (counter == NULL) errx(1, "the counter is damaged");
    for (; times > 0; times--) atomic_fetch_add(&counter->value, 1);
    require(mallow_shared_close(heap));
}
