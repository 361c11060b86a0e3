/* Chooses the range of guarded blocks, before the first of them is allocated. */
#ifndef GUARD_BEGIN_H
#define GUARD_BEGIN_H

#include "guard/guard_range.h"

static inline bool guard_begin(size_t bytes) {
    struct lock_hold hold;
    bool begun = open_lock_take(&guard_lock, &hold) && guard_range_begin(bytes);
    open_lock_drop(&guard_lock, &hold);
    return begun;
}

#endif
