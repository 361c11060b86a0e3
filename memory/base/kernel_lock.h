/*
 * The system calls for locked memory. The rules of base/kernel.h apply: a function that fails
 * returns false, and errno has the reason.
 */
#ifndef MALLOW_KERNEL_LOCK_H
#define MALLOW_KERNEL_LOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Locks whole pages. With `on_fault`, those that are not resident are locked when they become
 * resident. If this fails, some pages may be locked. */
bool kernel_lock(uintptr_t low, uintptr_t high, bool on_fault);

/* If this fails, some pages may be unlocked. */
bool kernel_unlock(uintptr_t low, uintptr_t high);

/* Sets the flags of mlockall(2). If this fails, nothing has changed. */
bool kernel_lock_all(int flags);

bool kernel_unlock_all(void);

/* Returns false if a page is unmapped. */
bool kernel_is_range_mapped(uintptr_t low, uintptr_t high);

struct kernel_lock_limits {
    uint64_t soft, hard; /* RLIMIT_MEMLOCK in bytes; UINT64_MAX if it is unlimited */
};
bool kernel_lock_limits(struct kernel_lock_limits *limits);

/* Stores the number of bytes that the process has locked. */
bool kernel_locked(uint64_t *bytes);

/* Returns true if RLIMIT_MEMLOCK does not apply to the process: the capability CAP_IPC_LOCK is
 * effective, and the process belongs to the initial user namespace. */
bool kernel_locks_freely(void);

/* Makes the memory read as zero in children. */
bool kernel_wipe_on_fork(void *p, size_t bytes);

#endif
