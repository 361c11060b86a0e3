#include "base/kernel_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/kernel.h"

#ifndef SYS_memfd_secret
#    define SYS_memfd_secret 447
#endif
#ifndef PR_SET_VMA
#    define PR_SET_VMA 0x53564d41
#    define PR_SET_VMA_ANON_NAME 0
#endif
#ifndef MAP_FIXED_NOREPLACE
#    define MAP_FIXED_NOREPLACE 0x100000
#endif

static const int kernel_fence_flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

static void kernel_name_secret(void *p, size_t bytes) {
    int error = errno;
    prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, p, bytes, "mallow secret"); /* may fail */
    errno = error;
}

void *kernel_fence(size_t bytes) {
    void *p = mmap(NULL, bytes, PROT_NONE, kernel_fence_flags, -1, 0);
    if (p == MAP_FAILED) return NULL;
    kernel_name_secret(p, bytes);
    return p;
}

bool kernel_fence_again(void *p, size_t bytes) {
    if (mmap(p, bytes, PROT_NONE, kernel_fence_flags | MAP_FIXED, -1, 0) == MAP_FAILED)
        return false;
    kernel_name_secret(p, bytes);
    return true;
}

/* A kernel that does not know MAP_FIXED_NOREPLACE may choose another address. */
void kernel_fence_gap(void *p, size_t bytes) {
    int error = errno;
    void *placed = mmap(p, bytes, PROT_NONE, kernel_fence_flags | MAP_FIXED_NOREPLACE, -1, 0);
    if (placed != MAP_FAILED && placed != p) munmap(placed, bytes);
    errno = error;
}

/* MAP_FIXED would remove the reservation even if the kernel then refuses to lock the memory, and
 * another thread could take the addresses. */
bool kernel_map_secret(void *p, size_t bytes) {
    int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
    if (fd < 0) return false;
    void *mapped = MAP_FAILED;
    if (ftruncate(fd, (off_t)bytes) == 0)
        mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    bool is_placed = mapped != MAP_FAILED &&
                     mremap(mapped, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, p) != MAP_FAILED;
    int error = errno;
    if (mapped != MAP_FAILED && !is_placed) munmap(mapped, bytes);
    close(fd);
    errno = error;
    return is_placed;
}

bool kernel_map_private(void *p, size_t bytes) {
    return mprotect(p, bytes, PROT_READ | PROT_WRITE) == 0;
}

bool kernel_omit_from_dump(void *p, size_t bytes) { return madvise(p, bytes, MADV_DONTDUMP) == 0; }

bool kernel_omit_from_fork(void *p, size_t bytes) { return madvise(p, bytes, MADV_DONTFORK) == 0; }

bool kernel_guard(void *p, size_t bytes, int protection) {
    return mprotect(p, bytes, protection) == 0;
}

bool kernel_fill_random(void *p, size_t bytes) { return getrandom(p, bytes, 0) == (ssize_t)bytes; }
