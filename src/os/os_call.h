/*
 * System calls by number, for the files that implement the contract of os.h. They go directly to
 * the kernel, because libc's functions set errno and can be wrapped by a preloaded library that
 * allocates.
 */
#ifndef MALLOW_OS_CALL_H
#define MALLOW_OS_CALL_H

#include <errno.h>
#include <sys/syscall.h>

/* Returns the kernel's result: -errno for a failure. */
#if defined(__clang_analyzer__)
/* Only declared: clang's analyzer would not see that the kernel writes through the arguments. */
long os_call(long n, long a, long b, long c, long d, long e, long f);
#elif defined(__x86_64__)
static inline long os_call(long n, long a, long b, long c, long d, long e, long f) {
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
static inline long os_call(long n, long a, long b, long c, long d, long e, long f) {
    register long x8 __asm__("x8") = n;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory", "cc");
    return x0;
}
#else
#    include <unistd.h>
static inline long os_call(long n, long a, long b, long c, long d, long e, long f) {
    int saved = errno;
    long result = syscall(n, a, b, c, d, e, f);
    if (result == -1) result = -errno;
    errno = saved;
    return result;
}
#endif

/* Like os_call. The arguments may be pointers or any integers; missing ones are 0. */
#define OS_CALL_ALL(n, a, b, c, d, e, f, ...) \
    os_call(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define CALL(...) OS_CALL_ALL(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

#define IS_ERROR(r) ((unsigned long)(r) >= (unsigned long)-4095L)

/* Converts a result of CALL to libc's convention: -1 and errno for a failure. */
static inline long with_errno(long result) {
    if (!IS_ERROR(result)) return result;
    errno = (int)-result;
    return -1;
}
#define call_errno(...) with_errno(CALL(__VA_ARGS__))

#endif
