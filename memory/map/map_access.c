/* Functions that access mappings. They return an error where an ordinary access would end the
 * process. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "base/failure.h"
#include "base/fault.h"
#include "base/kernel.h"
#include "base/kernel_file.h"
#include "mallow/map.h"
#include "map/map_inside.h"

/* ---- faults ---- */

/* A call that ends early if an access to the pages faults. */
struct map_attempt {
    sigjmp_buf place;
    const char *low, *high;
    struct map_attempt *outer;
    int signal;
};

/* The thread's innermost attempt. */
static __thread struct map_attempt *volatile map_attempt_now
    __attribute__((tls_model("initial-exec")));

static bool map_on_fault(const siginfo_t *info, void *context) {
    const char *at = info->si_addr;
    for (struct map_attempt *attempt = map_attempt_now; attempt != NULL; attempt = attempt->outer)
        if (at >= attempt->low && at < attempt->high) {
            attempt->signal = info->si_signo;
            fault_leave(attempt->place, context);
        }
    return false;
}

static void map_end_attempt(struct map_attempt *const *attempt) {
    atomic_signal_fence(memory_order_seq_cst);
    map_attempt_now = (*attempt)->outer;
}

/* Returns the signal of the fault that ended the call, or 0. A C++ exception may also end the
 * call. */
static int map_attempt(struct map_attempt *attempt, void (*call)(void *), void *argument) {
    struct map_attempt *const current __attribute__((cleanup(map_end_attempt))) = attempt;
    attempt->outer = map_attempt_now;
    attempt->signal = 0;
    if (sigsetjmp(attempt->place, 0) != 0) return current->signal;
    map_attempt_now = attempt;
    atomic_signal_fence(memory_order_seq_cst);
    call(argument);
    return 0;
}

/* ---- errors ---- */

/* Returns true if the file no longer has all of the bytes that the range should have. */
static bool map_is_truncated(const struct mallow_map *map, size_t offset, size_t bytes,
                             uint64_t *missing) {
    uint64_t in_file;
    if (!map_is_of_file(map) || bytes == 0 || offset >= map->file_bytes) return false;
    if (!kernel_is_file(map->descriptor, map->device, map->inode, &in_file)) return false;
    size_t end = offset + bytes < map->file_bytes ? offset + bytes : map->file_bytes;
    *missing = map->offset + end - in_file;
    return in_file < map->offset + end;
}

static enum mallow_result map_report(const struct mallow_map *map, int signal,
                                     const char *function) {
    struct mallow_error details = {.result = MALLOW_SYSTEM_ERROR,
                                   .function = function,
                                   .advice = "the device failed to read or store a page"};
    if (signal == SIGSEGV) {
        details.result = MALLOW_DENIED;
        details.advice = "the pages do not allow this access: see mallow_map_protect";
    } else if (map_is_of_file(map) && kernel_is_disk_full(map->descriptor)) {
        details.result = MALLOW_NO_SPACE;
        details.advice = NULL;
    }
    return failure_set(details);
}

enum mallow_result map_guard(const struct mallow_map *map, size_t offset, size_t bytes,
                             void (*call)(void *argument), void *argument, const char *function) {
    struct map_attempt attempt;
    uint64_t missing;
    attempt.low = map_pages(map);
    attempt.high = attempt.low + map_span(map, map->bytes);
    if (!fault_watch(map_on_fault) || !fault_watch_again())
        return failure_set((struct mallow_error){
            .result = errno == ENOSPC ? MALLOW_UNSUPPORTED : MALLOW_DENIED,
            .error = errno,
            .function = function,
            .call = "sigaction",
            .advice = errno == ENOSPC ? "the program has installed too many handlers" : NULL});
    int signal = map_attempt(&attempt, call, argument);
    if (map_is_truncated(map, offset, bytes, &missing))
        return failure_set((struct mallow_error){
            .result = MALLOW_TRUNCATED, .function = function, .wanted = missing});
    return signal == 0 ? MALLOW_OK : map_report(map, signal, function);
}

/* ---- functions ---- */

struct map_copy {
    void *to;
    const void *from;
    size_t bytes;
};

static void map_copy(void *argument) {
    struct map_copy *copy = argument;
    memcpy(copy->to, copy->from, copy->bytes);
}

enum mallow_result mallow_map_read(const struct mallow_map *map, size_t offset, void *to,
                                   size_t bytes) {
    enum mallow_result result = map_check(map, offset, &bytes, __func__);
    if (result != MALLOW_OK || bytes == 0) return result;
    if (to == NULL) return FAIL(MALLOW_BAD_ARGUMENT);
    struct map_copy copy = {to, (char *)map->data + offset, bytes};
    return map_guard(map, offset, bytes, map_copy, &copy, __func__);
}

enum mallow_result mallow_map_write(const struct mallow_map *map, size_t offset, const void *from,
                                    size_t bytes) {
    enum mallow_result result = map_check(map, offset, &bytes, __func__);
    if (result != MALLOW_OK || bytes == 0) return result;
    if (from == NULL) return FAIL(MALLOW_BAD_ARGUMENT);
    struct map_copy copy = {(char *)map->data + offset, from, bytes};
    return map_guard(map, offset, bytes, map_copy, &copy, __func__);
}

enum mallow_result mallow_map_try(const struct mallow_map *map, void (*function)(void *argument),
                                  void *argument) {
    size_t bytes = MALLOW_MAP_ALL;
    enum mallow_result result = map_check(map, 0, &bytes, __func__);
    if (result != MALLOW_OK) return result;
    if (function == NULL) return FAIL(MALLOW_BAD_ARGUMENT);
    return map_guard(map, 0, bytes, function, argument, __func__);
}
