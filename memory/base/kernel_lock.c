#include "base/kernel_lock.h"

#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/kernel.h"

/* The inode number of the initial user namespace (PROC_USER_INIT_INO). */
#define INITIAL_USER_NAMESPACE 0xEFFFFFFDU

/* AddressSanitizer replaces the functions of libc by ones that do nothing. */
bool kernel_lock(uintptr_t low, uintptr_t high, bool on_fault) {
    if (on_fault) return syscall(SYS_mlock2, low, high - low, MLOCK_ONFAULT) == 0;
    return syscall(SYS_mlock, low, high - low) == 0;
}

bool kernel_unlock(uintptr_t low, uintptr_t high) {
    return syscall(SYS_munlock, low, high - low) == 0;
}

bool kernel_lock_all(int flags) { return syscall(SYS_mlockall, flags) == 0; }

bool kernel_unlock_all(void) { return syscall(SYS_munlockall) == 0; }

/* MS_ASYNC does nothing, but the kernel checks the range. */
bool kernel_is_range_mapped(uintptr_t low, uintptr_t high) {
    return msync((void *)low, high - low, MS_ASYNC) == 0;
}

bool kernel_lock_limits(struct kernel_lock_limits *limits) {
    uint64_t soft_and_hard[2];
    if (syscall(SYS_prlimit64, 0, RLIMIT_MEMLOCK, NULL, soft_and_hard) != 0) return false;
    limits->soft = soft_and_hard[0];
    limits->hard = soft_and_hard[1];
    return true;
}

bool kernel_locked(uint64_t *bytes) {
    char text[4096];
    if (kernel_read_file("/proc/self/status", text, sizeof text) <= 0) return false;
    const char *field = strstr(text, "\nVmLck:");
    if (field == NULL) return false;
    *bytes = strtoull(field + strlen("\nVmLck:"), NULL, 10) * 1024;
    return true;
}

/* In another user namespace, a process can have all capabilities of that namespace. They do not
 * exempt it from the limit. */
bool kernel_locks_freely(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, sets) != 0) return false;
    if ((sets[CAP_TO_INDEX(CAP_IPC_LOCK)].effective & CAP_TO_MASK(CAP_IPC_LOCK)) == 0) return false;
    struct stat name_space;
    return stat("/proc/self/ns/user", &name_space) != 0 ||
           name_space.st_ino == INITIAL_USER_NAMESPACE;
}

bool kernel_wipe_on_fork(void *p, size_t bytes) { return madvise(p, bytes, MADV_WIPEONFORK) == 0; }
