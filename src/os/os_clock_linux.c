/* Clocks, read through the vDSO's function: libc's function may be wrapped and return other times
 * (libfaketime). */
#include <stdatomic.h>
#include <time.h>

#include "base/compiler.h"
#include "os/os.h"
#include "os/os_auxv.h"
#include "os/os_call.h"
#include "os/os_process.h"

#if defined(__aarch64__)
#    define CLOCK_FUNCTION "__kernel_clock_gettime"
#else
#    define CLOCK_FUNCTION "__vdso_clock_gettime"
#endif

typedef int clock_function(clockid_t clock, struct timespec *t);

static int os_clock_by_system_call(clockid_t clock, struct timespec *t) {
    return (int)CALL(SYS_clock_gettime, clock, t);
}

static clock_function *os_clock_find(void) {
    static _Atomic(clock_function *) found; /* racing threads store the same value */
    clock_function *read = atomic_load_explicit(&found, memory_order_relaxed);
    if (likely(read != NULL)) return read;
    void *in_vdso = os_vdso_function(CLOCK_FUNCTION);
    read = in_vdso != NULL ? (clock_function *)(uintptr_t)in_vdso : os_clock_by_system_call;
    atomic_store_explicit(&found, read, memory_order_relaxed);
    return read;
}

static int64_t os_clock_read(clockid_t clock) {
    struct timespec t = {0};
    os_clock_find()(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t os_coarse_ns(void) { return os_clock_read(CLOCK_MONOTONIC_COARSE); }

int64_t os_exact_ns(void) { return os_clock_read(CLOCK_MONOTONIC); }

int64_t os_wall_ns(void) { return os_clock_read(CLOCK_REALTIME); }
