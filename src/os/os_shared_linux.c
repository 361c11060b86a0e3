/* Implements os_shared.h on Linux. */
#include "os/os_shared.h"

#include <linux/futex.h>
#include <sys/mman.h>

#include "os/os_call.h"

#ifndef MADV_WIPEONFORK
#    define MADV_WIPEONFORK 18
#endif

bool os_set_length(int fd, size_t bytes) { return CALL(SYS_ftruncate, fd, bytes) == 0; }

void *os_map_shared(int fd, size_t bytes) {
    long start = CALL(SYS_mmap, 0, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
    return IS_ERROR(start) ? NULL : (void *)start;
}

void os_clear_in_child(void *start, size_t bytes) {
    CALL(SYS_madvise, start, bytes, MADV_WIPEONFORK);
}

void os_wake_shared(_Atomic int *word) { CALL(SYS_futex, word, FUTEX_WAKE, 1); }
