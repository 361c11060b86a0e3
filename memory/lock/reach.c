#include "lock/reach.h"

#include <errno.h>

#include "base/kernel.h"
#include "base/kernel_lock.h"

static bool reach_lock_on_fault(uintptr_t low, uintptr_t high) {
    return kernel_lock(low, high, true);
}

/* Calls the function for the range, or for parts without gaps. Halves the part after a failure and
 * doubles it after a success. */
static bool reach_each_part(uintptr_t low, uintptr_t high, bool (*call)(uintptr_t, uintptr_t)) {
    uintptr_t page = kernel_page(), bytes = high - low;
    while (low < high) {
        if (bytes > high - low) bytes = high - low;
        if (call(low, low + bytes)) {
            low += bytes;
            bytes *= 2;
            continue;
        }
        int error = errno;
        if (bytes != page) {
            bytes = bytes / page / 2 * page;
        } else if (kernel_is_range_mapped(low, low + page)) {
            errno = error;
            return false;
        } else {
            low += page;
        }
    }
    return true;
}

bool reach_unlock(uintptr_t low, uintptr_t high) {
    int error = errno;
    bool is_unlocked = reach_each_part(low, high, kernel_unlock);
    if (is_unlocked) errno = error;
    return is_unlocked;
}

/* A lock on fault needs no access to the pages. */
bool reach_lock(struct counts_range range) {
    int error = errno;
    if (!range.is_on_fault && kernel_lock(range.low, range.high, false)) return true;
    bool is_locked = reach_each_part(range.low, range.high, reach_lock_on_fault);
    if (is_locked) errno = error;
    return is_locked;
}
