/* Reads and removes the counter that shared_add left in a shared heap. A process that has the heap
 * open for reading only cannot change it by mistake; removing the heap needs no access to its
 * content.
 *
 *     $ shared_total
 *     there is no counter
 *     $ shared_add 5
 *     $ shared_total
 *     the counter is 5, and the heap has 1 block
 *     $ shared_total
 *     there is no counter
 */
#include "shared_counter.h"

#include <inttypes.h>
#include <stdio.h>

int main(void) {
    struct mallow_shared *heap;
    enum mallow_result result =
        mallow_shared_open_file(&heap, HEAP_FILE, MALLOW_SHARED_READ_ONLY, NULL);
    if (result == MALLOW_NOT_FOUND) {
        printf("there is no counter\n");
        return 0;
    }
    require(result);

    counter_handle handle;
    require(mallow_shared_find(heap, COUNTER_NAME, &handle.handle));
    struct counter *counter = MALLOW_SHARED_GET(heap, handle);
    if (counter == NULL) errx(1, "the counter is damaged");
    struct mallow_shared_statistics statistics;
    require(mallow_shared_measure(heap, &statistics));
    printf("the counter is %" PRIu64 ", and the heap has %" PRIu64 " block\n",
           atomic_load(&counter->value), statistics.blocks);
    require(mallow_shared_close(heap));
    require(mallow_shared_unlink_file(HEAP_FILE));
}
