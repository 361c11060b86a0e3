#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#include "base/failure.h"
#include "base/kernel.h"
#include "base/kernel_lock.h"
#include "base/limits.h"
#include "lock/counts.h"
#include "lock/reach.h"
#include "mallow/lock.h"

/* Locks the mappings that `flags` selects. The flag for future mappings is a state of the process,
 * and each call of mlockall(2) replaces it. */
static bool lock_all_add(unsigned flags) {
    struct counts_all *all = counts_all(), sum;
    bool is_first = all->locks == 0;
    sum.locks = is_first ? 1 : all->locks + 1;
    sum.includes_future = (flags & MALLOW_LOCK_FUTURE) != 0 || (!is_first && all->includes_future);
    sum.is_on_fault = (flags & MALLOW_LOCK_ON_FAULT) != 0 && (is_first || all->is_on_fault);
    int kernel_flags = ((flags & MALLOW_LOCK_CURRENT) != 0 ? MCL_CURRENT : 0) |
                       (sum.includes_future ? MCL_FUTURE : 0) | (sum.is_on_fault ? MCL_ONFAULT : 0);
    if (!kernel_lock_all(kernel_flags)) return false;
    *all = sum;
    return true;
}

enum mallow_result mallow_lock_all(unsigned flags) {
    const unsigned known = MALLOW_LOCK_CURRENT | MALLOW_LOCK_FUTURE | MALLOW_LOCK_ON_FAULT;
    if ((flags & ~known) != 0 || (flags & ~(unsigned)MALLOW_LOCK_ON_FAULT) == 0)
        return FAIL(MALLOW_BAD_ARGUMENT);
    if (!counts_enter()) return limits_fail(__func__, "mmap", kernel_page());
    bool is_locked = lock_all_add(flags);
    counts_leave();
    if (is_locked) return MALLOW_OK;
    int error = errno;
    uint64_t bytes = limits_unlocked();
    errno = error;
    return limits_fail_lock_all(__func__, "mlockall", bytes);
}

static uint64_t lock_all_counted_bytes(void) {
    uint64_t bytes = 0;
    struct counts_range range;
    for (uintptr_t at = 0; counts_next(&at, UINTPTR_MAX, &range);) bytes += range.high - range.low;
    return bytes;
}

/* Returns true unless it is known that the limit prevents locking `bytes` bytes again. */
static bool lock_all_fits(uint64_t bytes) {
    struct kernel_lock_limits limits;
    return !kernel_lock_limits(&limits) || bytes <= limits.soft || kernel_locks_freely();
}

/* Removes one mallow_lock_all(). Returns false and sets errno if the counted ranges cannot be
 * locked again; everything is then locked. */
static bool lock_all_remove(uint64_t counted_bytes) {
    struct counts_all *all = counts_all();
    struct counts_range range;
    if (all->locks == 1) {
        if (!lock_all_fits(counted_bytes)) return errno = ENOMEM, false;
        kernel_unlock_all();
        for (uintptr_t at = 0; counts_next(&at, UINTPTR_MAX, &range);) {
            if (reach_lock(range)) continue;
            int error = errno;
            kernel_lock_all(MCL_CURRENT | (all->includes_future ? MCL_FUTURE : 0) |
                            (all->is_on_fault ? MCL_ONFAULT : 0));
            errno = error;
            return false;
        }
    }
    all->locks--;
    return true;
}

enum mallow_result mallow_unlock_all(void) {
    if (!counts_enter()) return limits_fail(__func__, "mmap", kernel_page());
    bool is_locked = counts_all()->locks != 0;
    uint64_t bytes = lock_all_counted_bytes();
    bool is_removed = is_locked && lock_all_remove(bytes);
    counts_leave();
    if (!is_locked) return FAIL(MALLOW_NOT_LOCKED);
    return is_removed ? MALLOW_OK : limits_fail_lock_all(__func__, "mlock2", bytes);
}
