/* Implements os.h on Linux with raw system calls, because libc's wrappers set errno.
 * os_file_linux.c has the functions for files. */
#include "base/assert.h"
#include "os/os.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/atomics.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "os/os_auxv.h"
#include "os/os_call.h"
#include "os/os_seen.h"
#include "os/os_thread.h"

#ifndef MREMAP_DONTUNMAP
#    define MREMAP_DONTUNMAP 4
#endif

#define call3(n, a, b, c) CALL(n, a, b, c)
#define call6 CALL

void (*os_observer)(const struct os_seen *seen);

/* ---- calls that are observed ---- */

static long os_mmap(void *at, size_t bytes, int protection, int flags) {
    long r = CALL(SYS_mmap, at, bytes, protection, flags, -1, 0);
    os_see(.call = SEEN_MMAP, .result = r, .address = (uintptr_t)at, .size = bytes,
           .protection = (unsigned)protection, .flags = (unsigned)flags);
    return r;
}

static long os_munmap(const void *start, size_t bytes) {
    long r = CALL(SYS_munmap, start, bytes);
    os_see(.call = SEEN_MUNMAP, .result = r, .address = (uintptr_t)start, .size = bytes);
    return r;
}

static long os_mremap(void *start, size_t old_bytes, size_t new_bytes, int flags, void *to) {
    long r = CALL(SYS_mremap, start, old_bytes, new_bytes, flags, to);
    os_see(.call = SEEN_MREMAP, .result = r, .address = (uintptr_t)start, .size = new_bytes,
           .size_before = old_bytes, .flags = (unsigned)flags);
    return r;
}

static long os_mprotect(const void *start, size_t bytes, int protection) {
    long r = CALL(SYS_mprotect, start, bytes, protection);
    os_see(.call = SEEN_MPROTECT, .result = r, .address = (uintptr_t)start, .size = bytes,
           .protection = (unsigned)protection);
    return r;
}

static long os_madvise(const void *start, size_t bytes, int advice) {
    long r = CALL(SYS_madvise, start, bytes, advice);
    os_see(.call = SEEN_MADVISE, .result = r, .address = (uintptr_t)start, .size = bytes,
           .flags = (unsigned)advice);
    return r;
}

/* The result is the new break, whether it was moved or not. */
static void os_see_break(const char *before, const char *wanted) {
    os_see(.call = SEEN_BRK, .result = (long)wanted, .address = (uintptr_t)before);
}

/* ---- memory ---- */

size_t os_page_size(void) {
    static size_t cached; /* racing writers store the same value */
    size_t page = __atomic_load_n(&cached, __ATOMIC_RELAXED);
    if (page == 0) {
        page = os_auxv(AT_PAGESZ);
        __atomic_store_n(&cached, page, __ATOMIC_RELAXED);
    }
    return page;
}

static void *os_map_private(void *at, size_t bytes, int protection, int flags) {
    long r = os_mmap(at, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags);
    return IS_ERROR(r) ? NULL : (void *)r;
}

void *os_reserve(size_t bytes) {
    MALLOW_ASSERT(bytes != 0 && bytes % os_page_size() == 0);
    /* Maps one granule more, and then trims the mapping to its alignment. */
    char *start = os_map_private(NULL, bytes + GRANULE, PROT_NONE, MAP_NORESERVE);
    if (start == NULL) return NULL;
    size_t lead = round_up((uintptr_t)start, GRANULE) - (uintptr_t)start;
    if (lead != 0) os_munmap(start, lead);
    if (lead != GRANULE) os_munmap(start + lead + bytes, GRANULE - lead);
    return start + lead;
}

/* The kernel changes whole pages, at least one. */
static inline void os_assert_pages(const void *start, size_t bytes) {
    MALLOW_ASSERT((uintptr_t)start % os_page_size() == 0);
    MALLOW_ASSERT(bytes != 0);
    MALLOW_ASSERT(bytes % os_page_size() == 0);
}

static bool os_set_protection(void *start, size_t bytes, int protection) {
    os_assert_pages(start, bytes);
    return os_mprotect(start, bytes, protection) == 0;
}

bool os_commit(void *start, size_t bytes) {
    return os_set_protection(start, bytes, PROT_READ | PROT_WRITE);
}

#ifndef MAP_FIXED_NOREPLACE
#    define MAP_FIXED_NOREPLACE 0x100000
#endif

static enum os_extended os_map_exactly(void *start, size_t bytes, int protection, int flags) {
    os_assert_pages(start, bytes);
    long r = os_mmap(start, bytes, protection,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | flags);
    if (r == (long)start) return OS_EXTENDED;
    if (IS_ERROR(r)) return r == -EEXIST ? OS_EXTEND_OCCUPIED : OS_EXTEND_REFUSED;
    /* Before Linux 4.17, the kernel treats the address only as a hint. */
    os_munmap((void *)r, bytes);
    return OS_EXTEND_OCCUPIED;
}

enum os_extended os_extend(void *start, size_t bytes) {
    return os_map_exactly(start, bytes, PROT_READ | PROT_WRITE, 0);
}

bool os_reserve_at(void *start, size_t bytes) {
    return os_map_exactly(start, bytes, PROT_NONE, MAP_NORESERVE) == OS_EXTENDED;
}

/* A new mapping merges with the reservation around it; one that was in use does not always. */
bool os_discard(void *start, size_t bytes) {
    os_assert_pages(start, bytes);
    return os_map_private(start, bytes, PROT_NONE, MAP_NORESERVE | MAP_FIXED) != NULL;
}

/* libc's sbrk continues from a variable, which is updated here. sbrk itself is not called, because
 * it may be wrapped. */
#if defined(MALLOW_PRELOAD) && defined(__GLIBC__)
extern void *__curbrk __attribute__((weak)); /* musl has neither this nor a working sbrk */

static char *os_move_break(ptrdiff_t bytes) {
    char *before = (char *)CALL(SYS_brk, 0);
    if (bytes == 0) return before;
    char *after = (char *)CALL(SYS_brk, before + bytes);
    if (&__curbrk != NULL) __curbrk = after;
    os_see_break(before, after);
    return after == before + bytes ? before : (char *)-1;
}
#else
static char *os_move_break(ptrdiff_t bytes) {
    int saved = errno;
    char *before = sbrk(bytes);
    errno = saved;
    if (bytes != 0) os_see_break(before, before == (char *)-1 ? NULL : before + bytes);
    return before;
}
#endif

char *os_break(void) {
    char *now = os_move_break(0);
    return now == (char *)-1 ? NULL : now;
}

bool os_break_move(char *from, char *to) {
    char *before = os_break() == from ? os_move_break(to - from) : (char *)-1;
    /* Another thread may have moved the break meanwhile. */
    bool moved = before == from;
    if (!moved && before != (char *)-1 && os_break() == before + (to - from))
        os_move_break(from - to);
    return moved;
}

bool os_unprotect(void *start, size_t bytes) {
    return os_set_protection(start, bytes, PROT_READ | PROT_WRITE);
}

bool os_protect(void *start, size_t bytes) { return os_set_protection(start, bytes, PROT_NONE); }

bool os_write_protected(void *to, const void *from, size_t bytes) {
    uintptr_t first = (uintptr_t)to & ~(os_page_size() - 1);
    size_t pages = round_up((uintptr_t)to + bytes, os_page_size()) - first;
    if (call3(SYS_mprotect, first, pages, PROT_READ | PROT_WRITE) != 0) return false;
    for (size_t i = 0; i < bytes / sizeof(uintptr_t); i++)
        racy_store((uintptr_t *)to + i, ((const uintptr_t *)from)[i]);
    call3(SYS_mprotect, first, pages, PROT_READ);
    return true;
}

bool os_purge(void *start, size_t bytes) {
    os_assert_pages(start, bytes);
    return os_madvise(start, bytes, MADV_DONTNEED) == 0;
}

/* Kernels before 6.13 and their headers do not know these numbers. */
#ifndef MADV_GUARD_INSTALL
#    define MADV_GUARD_INSTALL 102
#    define MADV_GUARD_REMOVE 103
#endif

bool os_mark(void *start, size_t bytes) {
    os_assert_pages(start, bytes);
    return os_madvise(start, bytes, MADV_GUARD_INSTALL) == 0;
}

bool os_unmark(void *start, size_t bytes) {
    os_assert_pages(start, bytes);
    return os_madvise(start, bytes, MADV_GUARD_REMOVE) == 0;
}

bool os_advise_huge(void *start, size_t bytes) {
    os_assert_pages(start, bytes);
    return os_madvise(start, bytes, MADV_HUGEPAGE) == 0;
}

void *os_map(size_t bytes) {
    MALLOW_ASSERT(bytes != 0);
    return os_map_private(NULL, bytes, PROT_READ | PROT_WRITE, 0);
}

/* The kernel rounds the length up. */
bool os_unmap(void *start, size_t bytes) {
    MALLOW_ASSERT((uintptr_t)start % os_page_size() == 0 && bytes != 0);
    return os_munmap(start, bytes) == 0;
}

void *os_remap(void *start, size_t old_bytes, size_t new_bytes) {
    os_assert_pages(start, old_bytes);
    os_assert_pages(NULL, new_bytes);
    long r = os_mremap(start, old_bytes, new_bytes, MREMAP_MAYMOVE, NULL);
    return IS_ERROR(r) ? NULL : (void *)r;
}

bool os_remap_in_place(void *start, size_t old_bytes, size_t new_bytes) {
    os_assert_pages(start, old_bytes);
    os_assert_pages(NULL, new_bytes);
    return !IS_ERROR(os_mremap(start, old_bytes, new_bytes, 0, NULL));
}

/* The kernel removes what is mapped at the new address, so a reservation is placed there first. */
bool os_remap_to(void *start, size_t old_bytes, void *to, size_t new_bytes) {
    os_assert_pages(start, old_bytes);
    if (!os_reserve_at(to, new_bytes)) return false;
    if (os_mremap(start, old_bytes, new_bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to) == (long)to)
        return true;
    os_unmap(to, new_bytes);
    return false;
}

void *os_move_pages(void *from, size_t bytes) {
    os_assert_pages(from, bytes);
    long r = os_mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
    return IS_ERROR(r) ? NULL : (void *)r;
}

static size_t os_limit(int resource) {
    struct {
        uint64_t now, most;
    } limit = {0};
    call6(SYS_prlimit64, 0, resource, 0, (long)&limit, 0, 0);
    return limit.now == 0 ? SIZE_MAX : limit.now;
}

size_t os_address_limit(void) { return os_limit(RLIMIT_AS); }
size_t os_data_limit(void) { return os_limit(RLIMIT_DATA); }

size_t os_mapping_limit(void) {
    char digits[24];
    size_t limit = 0;
    long length = os_read_file("/proc/sys/vm/max_map_count", digits, sizeof digits);
    for (long i = 0; i < length && digits[i] >= '0' && digits[i] <= '9'; i++)
        limit = limit * 10 + (size_t)(digits[i] - '0');
    return limit == 0 ? 65530 : limit; /* the kernel's default */
}

int os_process_id(void) { return (int)call3(SYS_getpid, 0, 0, 0); }

uint64_t os_block_signals(void) {
    uint64_t all = ~(uint64_t)0, before = 0;
    call6(SYS_rt_sigprocmask, SIG_BLOCK, (long)&all, (long)&before, 8, 0, 0);
    return before;
}

uint64_t os_block_program_signals(void) {
    uint64_t all = ~((uint64_t)3 << 31) /* 32 and 33 */, before = 0;
    CALL(SYS_rt_sigprocmask, SIG_BLOCK, &all, &before, 8);
    return before;
}

void os_restore_signals(uint64_t mask) {
    call6(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, 8, 0, 0);
}

/* Uses libc's function, which knows how a handler returns, under libc's internal name, which is not
 * wrapped. It cannot fail for a signal that exists. */
#if defined(MALLOW_PRELOAD) && defined(__GLIBC__)
__attribute__((weak)) int __sigaction(int signal, const struct sigaction *action,
                                      struct sigaction *before);
#    define set_action (__sigaction != NULL ? __sigaction : sigaction)
#else
#    define set_action sigaction
#endif
bool os_signal_action(int signal, const struct sigaction *action, struct sigaction *before) {
    return set_action(signal, action, before) == 0;
}

void os_raise(int signal) { call3(SYS_tgkill, os_process_id(), os_thread_id(), signal); }

void os_wait(_Atomic int *word, int expected) {
    call6(SYS_futex, (long)word, FUTEX_WAIT_PRIVATE, expected, 0, 0, 0);
}

void os_wait_for(_Atomic int *word, int expected, int64_t ns) {
    MALLOW_ASSERT(ns >= 0);
    struct timespec limit = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    call6(SYS_futex, (long)word, FUTEX_WAIT_PRIVATE, expected, (long)&limit, 0, 0);
}

void os_wait_for_kernel(_Atomic int *word, int expected, int64_t ns) {
    struct timespec limit = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    CALL(SYS_futex, word, FUTEX_WAIT, expected, ns < 0 ? NULL : &limit);
}

void os_wake_one(_Atomic int *word) {
    call6(SYS_futex, (long)word, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
}

/* FUTEX_CMP_REQUEUE moves sleeping threads to another word, here none of them. Before that, the
 * kernel compares the word. */
bool os_still_holds(const _Atomic uint32_t *word, uint32_t value) {
    static uint32_t other;
    long r = call6(SYS_futex, (long)word, FUTEX_CMP_REQUEUE_PRIVATE, 0, 0, (long)&other, value);
    return r != -EAGAIN && r != -EFAULT;
}

bool os_read_memory(const void *from, void *to, size_t bytes) {
    struct iovec local = {to, bytes}, remote = {(void *)(uintptr_t)from, bytes};
    long n = call6(SYS_process_vm_readv, os_process_id(), (long)&local, 1, (long)&remote, 1, 0);
    return n == (long)bytes;
}

/* The kernel reads the set before it rejects the invalid operation. */
bool os_is_readable(const void *at) {
    uintptr_t set = (uintptr_t)at & ~(uintptr_t)7;
    return call6(SYS_rt_sigprocmask, ~0L, (long)set, 0, 8, 0, 0) == -EINVAL;
}
