/* Chooses the range of guarded blocks, before the first of them is allocated. */
#ifndef GUARD_BEGIN_H
#define GUARD_BEGIN_H

#include "guard/guard_range.h"

static inline bool guard_begin(size_t bytes) {
    lock_take(&guard_lock);
    bool begun = guard_range_begin(bytes);
    lock_drop(&guard_lock);
    return begun;
}

#endif
