/* Finds the limit that made a system call fail. */
#ifndef MALLOW_LIMITS_H
#define MALLOW_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#include "mallow/result.h"

/* Records that `function` could not map or extend memory by `bytes` bytes because the system call
 * `call` failed with the current errno. If a limit is the cause, records the limit too. Returns the
 * result that it recorded. */
enum mallow_result limits_fail(const char *function, const char *call, size_t bytes);

/* Records that `function` could not lock the range, of which `bytes` bytes were not locked before,
 * because the system call `call` failed with the current errno. Returns the result that it
 * recorded. */
enum mallow_result limits_fail_lock(const char *function, const char *call, uintptr_t low,
                                    uintptr_t high, size_t bytes);

/* Records that `function` could not lock `bytes` further bytes anywhere, because the system call
 * `call` failed with the current errno. Returns the result that it recorded. */
enum mallow_result limits_fail_lock_all(const char *function, const char *call, uint64_t bytes);

/* Returns the bytes of the address space that are not locked, or 0 if that is unknown. Keeps errno
 * if it succeeds. */
uint64_t limits_unlocked(void);

#endif
