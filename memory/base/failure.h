/* Records failures of this library's functions, which programs read through mallow/result.h. */
#ifndef MALLOW_FAILURE_H
#define MALLOW_FAILURE_H

#include "mallow/result.h"

/* Stores the details for the calling thread, sets errno, and returns the result. If `error` is 0,
 * sets it to the usual errno of the result. Async-signal-safe. */
enum mallow_result failure_set(struct mallow_error details);

/* Records a failure of the enclosing public function:
 *     return FAIL(MALLOW_NO_ROOM, .wanted = bytes, .maximum = room); */
#define FAIL(its_result, ...) \
    failure_set((struct mallow_error){.result = (its_result), .function = __func__, __VA_ARGS__})

#endif
