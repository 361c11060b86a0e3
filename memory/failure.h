/* Failures of this library's functions: what mallow/result.h tells the caller about them. */
#ifndef MALLOW_FAILURE_H
#define MALLOW_FAILURE_H

#include "mallow/result.h"

/* Keeps the details for the calling thread, sets errno, and returns the result. If `error` is 0, it
 * becomes the usual errno of the result. May be called in signal handlers. */
enum mallow_result failure_set(struct mallow_error details);

/* In a public function, whose name the details contain:
 *     return FAIL(MALLOW_NO_ROOM, .wanted = bytes, .maximum = room); */
#define FAIL(its_result, ...) \
    failure_set((struct mallow_error){.result = (its_result), .function = __func__, __VA_ARGS__})

#endif
