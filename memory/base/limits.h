/* Finds the limit that made a system call fail. */
#ifndef MALLOW_LIMITS_H
#define MALLOW_LIMITS_H

#include <stddef.h>

#include "mallow/result.h"

/* Records that `function` could not map or extend memory by `bytes` bytes because the system call
 * `call` failed with the current errno. If a limit is the cause, records the limit too. Returns the
 * result that it recorded. */
enum mallow_result limits_fail(const char *function, const char *call, size_t bytes);

#endif
