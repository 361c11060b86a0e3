/* System calls that change the address space, as an observer sees them. */
#ifndef MALLOW_OS_SEEN_H
#define MALLOW_OS_SEEN_H

#include <stddef.h>
#include <stdint.h>

#include "base/atomics.h"
#include "base/compiler.h"

enum os_seen_call { SEEN_MMAP, SEEN_MUNMAP, SEEN_MREMAP, SEEN_BRK, SEEN_MPROTECT, SEEN_MADVISE };

struct os_seen {
    enum os_seen_call call;
    long result;         /* the kernel's: -errno for a failure */
    uintptr_t address;   /* as passed */
    size_t size;         /* as passed: for SEEN_MREMAP the new size */
    size_t size_before;  /* SEEN_MREMAP */
    unsigned protection; /* SEEN_MMAP, SEEN_MPROTECT */
    unsigned flags;      /* SEEN_MMAP, SEEN_MREMAP; SEEN_MADVISE: the advice */
};

/* Called after each such call of the library, unless it is NULL. Locks may be held. */
extern void (*os_observer)(const struct os_seen *seen);

#define os_see(...)                                                                                \
    do {                                                                                           \
        void (*observe)(const struct os_seen *) = __atomic_load_n(&os_observer, __ATOMIC_RELAXED); \
        if (unlikely(observe != NULL)) observe(&(struct os_seen){__VA_ARGS__});                    \
    } while (0)

#endif
