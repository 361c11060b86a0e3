#include "base/limits.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/failure.h"
#include "base/kernel.h"
#include "base/kernel_lock.h"

/* Returns a field of /proc/self/statm in bytes. Field 0 is the address space. Field 5 is data and
 * stack, slightly more than what counts for RLIMIT_DATA. Returns 0 if the value is unknown. */
static uint64_t limits_used(int field) {
    char text[128], *at = text;
    if (kernel_read_file("/proc/self/statm", text, sizeof text) <= 0) return 0;
    uint64_t pages = strtoull(at, &at, 10);
    while (field-- > 0) pages = strtoull(at, &at, 10);
    return pages * kernel_page();
}

static bool limits_is_reached(struct mallow_error *e, enum mallow_limit limit, int resource,
                              int field) {
    uint64_t maximum, used = limits_used(field);
    if (!kernel_limit(resource, &maximum) || used == 0 || used + e->wanted <= maximum) return false;
    e->limit = limit;
    e->used = used;
    e->maximum = maximum;
    return true;
}

static bool limits_has_too_many_mappings(struct mallow_error *e) {
    char text[32];
    if (kernel_read_file("/proc/sys/vm/max_map_count", text, sizeof text) <= 0) return false;
    uint64_t maximum = strtoull(text, NULL, 10);
    long used = kernel_count_lines("/proc/self/maps");
    if (used < 0 || (uint64_t)used + 1 < maximum) return false;
    e->limit = MALLOW_LIMIT_MAPPINGS;
    e->used = (uint64_t)used;
    e->maximum = maximum;
    e->wanted = 1;
    return true;
}

/* If the limit is 0, all locks fail with EPERM. Otherwise, mlock(2) fails with ENOMEM, and a
 * mapping that is locked from the start fails with EAGAIN. */
static bool limits_is_locked(struct mallow_error *e) {
    struct kernel_lock_limits limits;
    uint64_t used;
    if (!kernel_lock_limits(&limits) || !kernel_locked(&used) || kernel_locks_freely())
        return false;
    if (used + e->wanted <= limits.soft) return false;
    e->limit = MALLOW_LIMIT_LOCKED_MEMORY;
    e->used = used;
    e->maximum = limits.soft;
    return true;
}

enum mallow_result limits_fail(const char *function, const char *call, size_t bytes) {
    struct mallow_error e = {.result = MALLOW_SYSTEM_ERROR,
                             .error = errno,
                             .function = function,
                             .call = call,
                             .wanted = bytes};
    if (errno == ENOMEM || errno == EAGAIN) {
        bool limited = (errno == EAGAIN && limits_is_locked(&e)) ||
                       limits_is_reached(&e, MALLOW_LIMIT_ADDRESS_SPACE, RLIMIT_AS, 0) ||
                       limits_is_reached(&e, MALLOW_LIMIT_DATA, RLIMIT_DATA, 5) ||
                       limits_has_too_many_mappings(&e);
        e.result = limited ? MALLOW_AT_LIMIT : MALLOW_NO_MEMORY;
    }
    return failure_set(e);
}

/* Returns the result of a lock that failed with the error in *e. If all other causes of ENOMEM are
 * excluded, the process cannot read some of the pages. */
static enum mallow_result limits_lock_result(struct mallow_error *e, uintptr_t low,
                                             uintptr_t high) {
    bool is_refused = e->error == ENOMEM;
    if ((is_refused || e->error == EPERM) && limits_is_locked(e)) return MALLOW_AT_LIMIT;
    if (is_refused && !kernel_is_range_mapped(low, high)) return MALLOW_NOT_MAPPED;
    if (is_refused && limits_has_too_many_mappings(e)) return MALLOW_AT_LIMIT;
    if (is_refused) e->error = EACCES;
    if (is_refused || e->error == EPERM) return MALLOW_DENIED;
    return e->error == EAGAIN ? MALLOW_NO_MEMORY : MALLOW_SYSTEM_ERROR;
}

enum mallow_result limits_fail_lock(const char *function, const char *call, uintptr_t low,
                                    uintptr_t high, size_t bytes) {
    struct mallow_error e = {.error = errno, .function = function, .call = call, .wanted = bytes};
    e.result = limits_lock_result(&e, low, high);
    return failure_set(e);
}

enum mallow_result limits_fail_lock_all(const char *function, const char *call, uint64_t bytes) {
    struct mallow_error e = {.result = MALLOW_SYSTEM_ERROR,
                             .error = errno,
                             .function = function,
                             .call = call,
                             .wanted = bytes};
    bool is_denied = errno == EPERM;
    if ((is_denied || errno == ENOMEM) && limits_is_locked(&e))
        e.result = MALLOW_AT_LIMIT;
    else if (is_denied)
        e.result = MALLOW_DENIED;
    return failure_set(e);
}

uint64_t limits_unlocked(void) {
    uint64_t locked;
    return kernel_locked(&locked) ? limits_used(0) - locked : 0;
}
