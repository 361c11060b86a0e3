#include "base/failure.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TEXT_BYTES 320

static __thread struct mallow_error failure_last;
static __thread char failure_text[TEXT_BYTES];

static const struct {
    int error;
    const char *meaning;
} failure_results[] = {
    [MALLOW_OK] = {0, "no failure"},
    [MALLOW_BAD_ARGUMENT] = {EINVAL, "an argument has no meaning"},
    [MALLOW_TOO_LARGE] = {EOVERFLOW, "the size exceeds what any object can have"},
    [MALLOW_NO_ROOM] = {ERANGE, "the object is larger than the room for it"},
    [MALLOW_NOT_FOUND] = {ENOENT, "there is none"},
    [MALLOW_NO_MEMORY] = {ENOMEM, "there is no memory"},
    [MALLOW_AT_LIMIT] = {ENOMEM, "a limit is reached"},
    [MALLOW_DENIED] = {EACCES, "a permission is missing"},
    [MALLOW_UNSUPPORTED] = {EOPNOTSUPP, "the kernel or the file does not support this"},
    [MALLOW_SYSTEM_ERROR] = {EIO, "a system call failed"},
    [MALLOW_EXISTS] = {EEXIST, "there is one already"},
    [MALLOW_BUSY] = {ETIMEDOUT, "another thread or process holds or changes the object"},
    [MALLOW_DAMAGED] = {EUCLEAN, "the image is damaged"},
    [MALLOW_FOREIGN_IMAGE] = {ENOEXEC, "this is not an image for this machine"},
    [MALLOW_NEWER_IMAGE] = {EPROTO, "a later version of the library made the image"},
    [MALLOW_FOREIGN_HANDLE] = {EINVAL, "the handle is not of this heap"},
    [MALLOW_NOT_A_BLOCK] = {EINVAL, "the handle refers to the inside of a block"},
    [MALLOW_ALREADY_FREE] = {EINVAL, "the handle refers to free memory"},
    [MALLOW_NOT_MAPPED] = {ENOMEM, "part of the range is not mapped"},
    [MALLOW_NOT_LOCKED] = {EINVAL, "the library has not locked all of the memory"},
    [MALLOW_NO_SPACE] = {ENOSPC, "the disk is full"},
    [MALLOW_TRUNCATED] = {ENODATA, "the file has become shorter than its mapping"},
    [MALLOW_NOT_SECRET] = {EINVAL, "the address is not that of a secret of this process"},
    [MALLOW_NOT_OPEN] = {EINVAL, "the secret is not open for that access"},
};
#define RESULTS (sizeof failure_results / sizeof failure_results[0])

/* The names of the limits, the units of their values, and advice on raising them. */
static const struct {
    const char *name, *unit, *use, *note, *advice;
    unsigned unit_bytes;
} failure_limits[] = {
    [MALLOW_LIMIT_LOCKED_MEMORY] = {"RLIMIT_MEMLOCK", " KiB", "locked", "; CAP_IPC_LOCK is absent",
                                    "ulimit -l or prlimit", 1024},
    [MALLOW_LIMIT_ADDRESS_SPACE] = {"RLIMIT_AS", " KiB", "used", "", "ulimit -v or prlimit", 1024},
    [MALLOW_LIMIT_DATA] = {"RLIMIT_DATA", " KiB", "used", "", "ulimit -d or prlimit", 1024},
    [MALLOW_LIMIT_FILE_SIZE] = {"RLIMIT_FSIZE", " KiB", "used", "", "ulimit -f or prlimit", 1024},
    [MALLOW_LIMIT_MAPPINGS] = {"vm.max_map_count", " mappings", "used", "", "sysctl", 1},
    [MALLOW_LIMIT_FILES] = {"RLIMIT_NOFILE", " descriptors", "used", "", "ulimit -n or prlimit", 1},
    [MALLOW_LIMIT_HUGE_PAGES] = {"vm.nr_hugepages", " pages", "used", "", "sysctl", 1},
};

enum mallow_result failure_set(struct mallow_error details) {
    if (details.error == 0) details.error = failure_results[details.result].error;
    failure_last = details;
    errno = details.error;
    return details.result;
}

struct mallow_error mallow_last_error(void) { return failure_last; }

static void failure_print_limit(const struct mallow_error *e) {
    uint64_t unit = failure_limits[e->limit].unit_bytes;
    const char *unit_name = failure_limits[e->limit].unit;
    snprintf(failure_text, sizeof failure_text,
             "%s: %s is %" PRIu64 "%s, %" PRIu64 "%s are %s, and %" PRIu64
             "%s more are needed%s: raise it with %s",
             e->function, failure_limits[e->limit].name, e->maximum / unit, unit_name,
             e->used / unit, unit_name, failure_limits[e->limit].use, (e->wanted + unit - 1) / unit,
             unit_name, failure_limits[e->limit].note, failure_limits[e->limit].advice);
}

static void failure_print(const struct mallow_error *e) {
    const char *meaning = failure_results[e->result].meaning;
    const char *advice = e->advice == NULL ? "" : e->advice;
    const char *colon = e->advice == NULL ? "" : ": ";
    char reason[64];
    if (e->limit != MALLOW_NO_LIMIT)
        failure_print_limit(e);
    else if (e->result == MALLOW_NO_ROOM)
        snprintf(failure_text, sizeof failure_text,
                 "%s: there is room for %" PRIu64 " bytes, and %" PRIu64 " are needed%s%s",
                 e->function, e->maximum, e->wanted, colon, advice);
    else if (e->problem != NULL)
        snprintf(failure_text, sizeof failure_text, "%s: %s: %s (at byte %" PRIu64 ")", e->function,
                 meaning, e->problem, e->position);
    else if (e->call != NULL)
        snprintf(failure_text, sizeof failure_text, "%s: %s: %s: %s%s%s", e->function, meaning,
                 e->call, strerror_r(e->error, reason, sizeof reason), colon, advice);
    else
        snprintf(failure_text, sizeof failure_text, "%s: %s%s%s", e->function, meaning, colon,
                 advice);
}

const char *mallow_error_text(enum mallow_result result) {
    int error = errno;
    if ((unsigned)result >= RESULTS) return "an unknown result";
    if (result == MALLOW_OK || result != failure_last.result)
        return failure_results[result].meaning;
    failure_print(&failure_last);
    errno = error;
    return failure_text;
}
