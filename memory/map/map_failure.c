/* Translates the errno of a system call to a result that says what to do. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/failure.h"
#include "base/kernel.h"
#include "base/limits.h"
#include "map/map_inside.h"

static enum mallow_result map_result(int error) {
    switch (error) {
    case EBADF:
    case ENAMETOOLONG:
        return MALLOW_BAD_ARGUMENT;
    case ENOENT:
    case ENOTDIR:
        return MALLOW_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
    case ETXTBSY:
        return MALLOW_DENIED;
    case EINVAL: /* the arguments have a meaning, but not for this kernel or file */
    case EISDIR:
    case ENODEV:
    case ENOSYS:
    case ENXIO:
    case EOPNOTSUPP:
        return MALLOW_UNSUPPORTED;
    case ENOSPC:
    case EDQUOT:
        return MALLOW_NO_SPACE;
    case EFBIG:
    case EOVERFLOW:
        return MALLOW_TOO_LARGE;
    default:
        return MALLOW_SYSTEM_ERROR;
    }
}

enum mallow_result map_fail(const char *function, const char *call, size_t wanted,
                            const char *advice) {
    struct mallow_error details = {.result = map_result(errno),
                                   .error = errno,
                                   .function = function,
                                   .call = call,
                                   .wanted = wanted,
                                   .advice = advice};
    if (errno == ENOMEM || errno == EAGAIN) return limits_fail(function, call, wanted);
    if (errno == EMFILE && kernel_limit(RLIMIT_NOFILE, &details.maximum)) {
        details.result = MALLOW_AT_LIMIT;
        details.limit = MALLOW_LIMIT_FILES;
        details.used = details.maximum;
        details.wanted = 1;
    }
    return failure_set(details);
}

enum mallow_result map_refuse(const char *function, const char *advice) {
    return failure_set((struct mallow_error){
        .result = MALLOW_BAD_ARGUMENT, .function = function, .advice = advice});
}

/* ---- huge pages ---- */

static uint64_t map_value(const char *text, const char *name) {
    const char *at = strstr(text, name);
    return at == NULL ? 0 : strtoull(at + strlen(name), NULL, 10);
}

bool map_huge_page(size_t *bytes) {
    char text[4096];
    if (kernel_read_file("/proc/meminfo", text, sizeof text) <= 0) return false;
    *bytes = (size_t)map_value(text, "\nHugepagesize:") * 1024;
    return *bytes != 0;
}

enum mallow_result map_fail_huge(const char *function, const char *call, size_t wanted,
                                 size_t page) {
    int error = errno;
    char text[4096];
    if (error != ENOMEM || kernel_read_file("/proc/meminfo", text, sizeof text) <= 0) {
        errno = error;
        return map_fail(function, call, wanted, NULL);
    }
    uint64_t total = map_value(text, "\nHugePages_Total:");
    uint64_t unused = map_value(text, "\nHugePages_Free:") - map_value(text, "\nHugePages_Rsvd:");
    errno = error;
    if (wanted / page <= unused) return limits_fail(function, call, wanted);
    return failure_set((struct mallow_error){.result = MALLOW_AT_LIMIT,
                                             .error = error,
                                             .function = function,
                                             .call = call,
                                             .limit = MALLOW_LIMIT_HUGE_PAGES,
                                             .used = total - unused,
                                             .maximum = total,
                                             .wanted = wanted / page});
}
