/* The system calls that a program makes by libc's functions. Those that libc makes itself are not
 * seen. */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../bounds/libc.h"
#include "record.h"
#include "trace/trace_record.h"

#define ENTRY __builtin_frame_address(0)

/* Keeps errno. */
static void record_system_call(const struct mallow_trace_event *event, const void *entry) {
    int before = errno;
    if (mallow_trace_call != NULL)
        mallow_trace_call(event, entry);
    else
        trace_event(event, record_depth != 0, record_depth != 0 ? NULL : entry);
    errno = before;
}

static uint16_t record_error(bool failed) { return failed ? (uint16_t)errno : 0; }

EXPORT void *mmap(void *hint, size_t size, int protection, int flags, int fd, off_t offset) {
    void *p = REAL(mmap)(hint, size, protection, flags, fd, offset);
    bool failed = p == MAP_FAILED;
    record_system_call(&(struct mallow_trace_event){.kind = MALLOW_TRACE_MMAP,
                                                    .address = failed ? 0 : (uintptr_t)p,
                                                    .old_address = (uintptr_t)hint,
                                                    .size = size,
                                                    .count = (uint64_t)offset,
                                                    .protection = (uint32_t)protection,
                                                    .flags = (uint32_t)flags,
                                                    .error = record_error(failed)},
                       ENTRY);
    return p;
}
ALIAS(mmap64, mmap)

EXPORT int munmap(void *p, size_t size) {
    int result = REAL(munmap)(p, size);
    record_system_call(&(struct mallow_trace_event){.kind = MALLOW_TRACE_MUNMAP,
                                                    .address = (uintptr_t)p,
                                                    .size = size,
                                                    .error = record_error(result != 0)},
                       ENTRY);
    return result;
}

EXPORT void *mremap(void *old, size_t old_size, size_t size, int flags, ...) {
    void *hint = NULL;
    if ((flags & MREMAP_FIXED) != 0) {
        va_list list;
        va_start(list, flags);
        hint = va_arg(list, void *);
        va_end(list);
    }
    void *p = REAL(mremap)(old, old_size, size, flags, hint);
    bool failed = p == MAP_FAILED;
    record_system_call(&(struct mallow_trace_event){.kind = MALLOW_TRACE_MREMAP,
                                                    .address = failed ? 0 : (uintptr_t)p,
                                                    .old_address = (uintptr_t)old,
                                                    .size = size,
                                                    .count = old_size,
                                                    .flags = (uint32_t)flags,
                                                    .error = record_error(failed)},
                       ENTRY);
    return p;
}

EXPORT int mprotect(void *p, size_t size, int protection) {
    int result = REAL(mprotect)(p, size, protection);
    record_system_call(&(struct mallow_trace_event){.kind = MALLOW_TRACE_MPROTECT,
                                                    .address = (uintptr_t)p,
                                                    .size = size,
                                                    .protection = (uint32_t)protection,
                                                    .error = record_error(result != 0)},
                       ENTRY);
    return result;
}

EXPORT int madvise(void *p, size_t size, int advice) {
    int result = REAL(madvise)(p, size, advice);
    record_system_call(&(struct mallow_trace_event){.kind = MALLOW_TRACE_MADVISE,
                                                    .address = (uintptr_t)p,
                                                    .size = size,
                                                    .flags = (uint32_t)advice,
                                                    .error = record_error(result != 0)},
                       ENTRY);
    return result;
}

/* ---- the program break ---- */

static void record_break(const void *wanted, bool failed, const void *entry) {
    record_system_call(&(struct mallow_trace_event){.kind = MALLOW_TRACE_BRK,
                                                    .address = failed ? 0 : (uintptr_t)wanted,
                                                    .old_address = (uintptr_t)wanted,
                                                    .error = record_error(failed)},
                       entry);
}

EXPORT int brk(void *end) {
    int result = REAL(brk)(end);
    record_break(end, result != 0, ENTRY);
    return result;
}

EXPORT void *sbrk(intptr_t more) {
    char *before = REAL(sbrk)(more);
    if (more != 0) {
        bool failed = before == (void *)-1; /* NOLINT(performance-no-int-to-ptr): as documented */
        record_break(failed ? NULL : before + more, failed, ENTRY);
    }
    return before;
}
