/* Declarations that shared_add and shared_total share: the file of the heap, the name of the
 * counter in it, and its type. */
#ifndef SHARED_COUNTER_H
#define SHARED_COUNTER_H

#include <err.h>
#include <mallow/shared.h>
#include <stdatomic.h>
#include <stdint.h>

#define HEAP_FILE "counter.heap"
#define COUNTER_NAME "counter"

struct counter {
    _Atomic uint64_t value;
};
typedef MALLOW_SHARED_HANDLE(struct counter) counter_handle;

/* Ends the program with a message if a call failed. */
static inline void require(enum mallow_result result) {
    if (result != MALLOW_OK) errx(1, "%s", mallow_error_text(result));
}

#endif
