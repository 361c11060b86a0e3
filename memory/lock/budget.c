#include "base/failure.h"
#include "base/kernel_lock.h"
#include "mallow/lock.h"

#include <errno.h>

enum mallow_result mallow_lock_budget(struct mallow_lock_budget *budget) {
    if (budget == NULL) return FAIL(MALLOW_BAD_ARGUMENT);
    int error = errno;
    struct kernel_lock_limits limits;
    uint64_t locked;
    if (!kernel_lock_limits(&limits))
        return FAIL(MALLOW_SYSTEM_ERROR, .error = errno, .call = "prlimit");
    if (!kernel_locked(&locked))
        return FAIL(MALLOW_SYSTEM_ERROR, .error = errno, .call = "read of /proc/self/status");
    bool is_privileged = kernel_locks_freely();
    uint64_t left = locked < limits.soft ? limits.soft - locked : 0;
    *budget = (struct mallow_lock_budget){
        .soft_limit = limits.soft,
        .hard_limit = limits.hard,
        .locked = locked,
        .available = is_privileged || limits.soft == UINT64_MAX ? UINT64_MAX : left,
        .is_privileged = is_privileged,
    };
    errno = error;
    return MALLOW_OK;
}
