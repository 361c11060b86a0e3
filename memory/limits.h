/* Which limit made a system call fail. */
#ifndef MALLOW_LIMITS_H
#define MALLOW_LIMITS_H

#include <stddef.h>

#include "mallow/result.h"

/* Records that `function` could not map or extend memory by `bytes` bytes because `call` failed
 * with the present errno. Finds out whether that was due to a limit. */
enum mallow_result limits_fail(const char *function, const char *call, size_t bytes);

#endif
