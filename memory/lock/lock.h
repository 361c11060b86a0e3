/* Locks for other parts of this library. They are counted together with the locks of the
 * program. */
#ifndef MALLOW_LOCK_INSIDE_H
#define MALLOW_LOCK_INSIDE_H

#include <stddef.h>

#include "mallow/lock.h"

/* Like mallow_lock() and mallow_unlock(), but record a failure as one of `function`. */
enum mallow_result lock_take(const char *function, const void *p, size_t bytes, unsigned flags);
enum mallow_result lock_give(const char *function, const void *p, size_t bytes);

#endif
