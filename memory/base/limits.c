#include "base/limits.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/failure.h"
#include "base/kernel.h"

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

enum mallow_result limits_fail(const char *function, const char *call, size_t bytes) {
    struct mallow_error e = {.result = MALLOW_SYSTEM_ERROR,
                             .error = errno,
                             .function = function,
                             .call = call,
                             .wanted = bytes};
    if (errno == ENOMEM || errno == EAGAIN) {
        bool limited = limits_is_reached(&e, MALLOW_LIMIT_ADDRESS_SPACE, RLIMIT_AS, 0) ||
                       limits_is_reached(&e, MALLOW_LIMIT_DATA, RLIMIT_DATA, 5) ||
                       limits_has_too_many_mappings(&e);
        e.result = limited ? MALLOW_AT_LIMIT : MALLOW_NO_MEMORY;
    }
    return failure_set(e);
}
