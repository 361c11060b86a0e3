/*
 * Locked memory: pages that stay in RAM and are never written to swap space.
 *
 *     if (mallow_lock(samples, sizeof samples, 0) != MALLOW_OK)
 *         warnx("%s", mallow_error_text(mallow_last_error().result));
 *     ...
 *     mallow_unlock(samples, sizeof samples);
 *
 * Locks are counted for each page. Two parts of a program can lock ranges that overlap or share a
 * page: a page stays locked until each lock of it has been released. mlock(2) does not count, so
 * the first munlock(2) undoes the locks of all callers. Locks that the program makes with mlock(2)
 * are not in the counts, and mallow_unlock() can undo them.
 *
 * A range is any address and any number of bytes. All pages that contain one of the bytes are
 * locked. An empty range succeeds and does nothing, whatever its address is. A lock covers the
 * whole range or is an error, and after an error all locks and counts are as they were. Only
 * mallow_lock_best_effort() can lock a part of a range.
 *
 * fork(2): children inherit no locks. The counts of a child start from zero, even if it was created
 * while another thread was in one of these functions. Locks of a child do not affect its parent.
 * execve(2) also ends all locks.
 *
 * munmap(2) ends locks without informing this library: unlock a range before you unmap it.
 * Otherwise its count remains. New memory at the same address is then unlocked until the next
 * mallow_lock(), which always asks the kernel, and mallow_unlock() may still release the old lock.
 *
 * All functions are thread-safe. None is async-signal-safe. Functions that fail set errno and the
 * details of mallow_last_error() (mallow/result.h).
 */
#ifndef MALLOW_LOCK_H
#define MALLOW_LOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mallow/result.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

enum mallow_lock_flags {
    MALLOW_LOCK_ON_FAULT = 1, /* lock each page when it is first accessed, instead of at once */
    MALLOW_LOCK_CURRENT = 2,  /* for mallow_lock_all: all present mappings */
    MALLOW_LOCK_FUTURE = 4,   /* for mallow_lock_all: all later mappings */
};

/* ---- ranges ---- */

/*
 * Locks the pages of the `bytes` bytes at p: reads them into RAM, and keeps them there. With
 * MALLOW_LOCK_ON_FAULT, pages that are not in RAM are locked when they are first accessed, which
 * suits large sparse ranges. `flags` is 0 or MALLOW_LOCK_ON_FAULT. See mlock(2) and mlock2(2).
 *
 * Fails with
 *     MALLOW_BAD_ARGUMENT  EINVAL: p is NULL, the range wraps around, or a flag is unknown
 *     MALLOW_AT_LIMIT      ENOMEM or EPERM: RLIMIT_MEMLOCK or vm.max_map_count is reached
 *     MALLOW_NOT_MAPPED    ENOMEM: part of the range is not mapped
 *     MALLOW_DENIED        EACCES: part of the range is inaccessible, or after the end of its file;
 *                          EPERM: a filter of system calls refuses the lock
 *     MALLOW_NO_MEMORY     EAGAIN or ENOMEM: no memory is available for the pages or their counts
 *     MALLOW_SYSTEM_ERROR  a system call failed for another reason
 */
enum mallow_result mallow_lock(const void *p, size_t bytes, unsigned flags);

/*
 * Locks as many of the range's pages as possible, from its start on, and stores in *locked how many
 * of the bytes are locked: from 0 to `bytes`. The program releases that many with mallow_unlock(p,
 * *locked).
 *
 * Fails only with MALLOW_BAD_ARGUMENT, also if `locked` is NULL. *locked is then unchanged.
 */
enum mallow_result mallow_lock_best_effort(const void *p, size_t bytes, unsigned flags,
                                           size_t *locked);

/*
 * Releases one lock of each page of the range. A page becomes unlocked when none is left, unless
 * mallow_lock_all() is in effect. The range may differ from the locked ones, as long as each of its
 * pages is locked. See munlock(2).
 *
 * Fails with MALLOW_BAD_ARGUMENT as mallow_lock does, with MALLOW_NOT_LOCKED (EINVAL) if
 * mallow_lock has not locked each page of the range, and with MALLOW_AT_LIMIT (ENOMEM) if
 * vm.max_map_count prevents unlocking a part of a mapping.
 */
enum mallow_result mallow_unlock(const void *p, size_t bytes);

/*
 * Returns the number of locks that each page of the range has; if the pages differ, the smallest
 * number. Returns 0 for an empty range. Does not include mallow_lock_all(). Never fails, and leaves
 * errno unchanged.
 */
uint64_t mallow_lock_count(const void *p, size_t bytes);

/* ---- everything ---- */

/*
 * Locks all memory of the process: MALLOW_LOCK_CURRENT for what is mapped now, including code and
 * stacks, MALLOW_LOCK_FUTURE for all later mappings, or both. With MALLOW_LOCK_ON_FAULT, pages are
 * locked when they are first accessed. Calls are counted, and their effects add up: pages are
 * locked at once if one of the calls did not have MALLOW_LOCK_ON_FAULT. With MALLOW_LOCK_FUTURE,
 * each later mmap(2) and growth of a stack fails if it exceeds the limit. See mlockall(2).
 *
 * Fails with MALLOW_BAD_ARGUMENT (EINVAL) if `flags` has neither CURRENT nor FUTURE, or an unknown
 * flag, and with MALLOW_AT_LIMIT (ENOMEM or EPERM) if RLIMIT_MEMLOCK is 0 or, with CURRENT, less
 * than the address space of the process.
 */
enum mallow_result mallow_lock_all(unsigned flags);

/*
 * Undoes one mallow_lock_all(). The last one unlocks the memory of the process, except for the
 * ranges that mallow_lock() has locked: these are unlocked for a moment and then locked again.
 * See munlockall(2).
 *
 * Fails with MALLOW_NOT_LOCKED (EINVAL) if no mallow_lock_all() is in effect, and with
 * MALLOW_AT_LIMIT (ENOMEM) if the ranges that stay locked exceed RLIMIT_MEMLOCK, because the limit
 * was lowered. All memory then stays locked.
 */
enum mallow_result mallow_unlock_all(void);

/* ---- budget ---- */

struct mallow_lock_budget {
    uint64_t soft_limit; /* RLIMIT_MEMLOCK in bytes, or UINT64_MAX if it is unlimited */
    uint64_t hard_limit; /* the value up to which the process can raise soft_limit */
    uint64_t locked;     /* bytes that the process has locked, by any means */
    uint64_t available;  /* bytes that it can still lock, or UINT64_MAX if nothing limits it */
    bool is_privileged;  /* CAP_IPC_LOCK is effective, and the limit does not apply */
};

/*
 * Stores how much memory the process can lock. Reads getrlimit(2), capget(2) and the field VmLck of
 * /proc/self/status.
 *
 * Fails with MALLOW_BAD_ARGUMENT (EINVAL) if budget is NULL, and with MALLOW_SYSTEM_ERROR if the
 * limit or /proc/self/status is unreadable.
 */
enum mallow_result mallow_lock_budget(struct mallow_lock_budget *budget);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
