#include "base/kernel_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/kernel.h"

#ifndef PR_SET_VMA
#    define PR_SET_VMA 0x53564d41
#    define PR_SET_VMA_ANON_NAME 0
#endif
#ifndef MFD_NOEXEC_SEAL
#    define MFD_NOEXEC_SEAL 8u
#endif
#ifndef MREMAP_DONTUNMAP
#    define MREMAP_DONTUNMAP 4
#endif

/* ---- files ---- */

/* Opening a pipe could block. */
int kernel_open(const char *path, int flags) {
    return open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
}

int kernel_duplicate(int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, 3); }

void kernel_close(int fd) {
    int error = errno;
    close(fd);
    errno = error;
}

bool kernel_describe_file(int fd, struct kernel_file_state *file) {
    struct stat state;
    struct statfs system;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fstat(fd, &state) != 0 || fstatfs(fd, &system) != 0) return false;
    bool is_device = S_ISCHR(state.st_mode) || S_ISBLK(state.st_mode);
    off_t end = S_ISBLK(state.st_mode) ? lseek(fd, 0, SEEK_END) : state.st_size;
    file->kind = S_ISREG(state.st_mode)   ? KERNEL_FILE
                 : is_device              ? KERNEL_DEVICE
                 : S_ISDIR(state.st_mode) ? KERNEL_DIRECTORY
                                          : KERNEL_OTHER_FILE;
    file->can_read = (flags & (O_ACCMODE | O_PATH)) == O_RDONLY || (flags & O_ACCMODE) == O_RDWR;
    file->can_write = (flags & O_ACCMODE) == O_RDWR;
    file->bytes = end < 0 ? 0 : (uint64_t)end;
    file->device = state.st_dev;
    file->inode = state.st_ino;
    file->page = system.f_type == HUGETLBFS_MAGIC ? (size_t)system.f_bsize : kernel_page();
    return true;
}

bool kernel_is_file(int fd, uint64_t device, uint64_t inode, uint64_t *bytes) {
    struct stat state;
    int error = errno;
    bool is_same = fstat(fd, &state) == 0 && state.st_dev == device && state.st_ino == inode;
    errno = error;
    if (is_same) *bytes = (uint64_t)state.st_size;
    return is_same;
}

/* glibc writes to each block where the file system cannot reserve space. tmpfs drops all pages of a
 * call that a signal interrupts, so each call is short. */
bool kernel_reserve(int fd, uint64_t from, uint64_t bytes) {
    const uint64_t step = (uint64_t)16 << 20;
    while (bytes > 0) {
        uint64_t part = bytes < step ? bytes : step;
        int error = posix_fallocate(fd, (off_t)from, (off_t)part);
        if (error == EINTR) continue;
        if (error != 0) {
            errno = error;
            return false;
        }
        from += part;
        bytes -= part;
    }
    return true;
}

bool kernel_set_length(int fd, uint64_t bytes) { return ftruncate(fd, (off_t)bytes) == 0; }

bool kernel_is_disk_full(int fd) {
    struct statfs system;
    int error = errno;
    bool is_full = fstatfs(fd, &system) == 0 && system.f_blocks > 0 && system.f_bavail == 0;
    errno = error;
    return is_full;
}

/* Kernels before 6.3 do not know MFD_NOEXEC_SEAL. */
int kernel_memory_file(const char *name, bool is_huge) {
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING | (is_huge ? MFD_HUGETLB : 0);
    int error = errno, fd = memfd_create(name, flags | MFD_NOEXEC_SEAL);
    if (fd >= 0 || errno != EINVAL) return fd;
    errno = error;
    return memfd_create(name, flags);
}

bool kernel_seal(int fd, int seals) { return fcntl(fd, F_ADD_SEALS, seals) == 0; }

/* ---- mappings ---- */

/* Kernels before 4.17 do not know MAP_FIXED_NOREPLACE and choose another address. */
void *kernel_map_pages(void *at, size_t bytes, int protection, int flags, int fd, uint64_t offset) {
    void *p = mmap(at, bytes, protection, flags, fd, (off_t)offset);
    if (p == MAP_FAILED) return NULL;
    if (at == NULL || p == at) return p;
    munmap(p, bytes);
    errno = EEXIST;
    return NULL;
}

void kernel_name_pages(void *p, size_t bytes, const char *name) {
    int error = errno;
    prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, p, bytes, name);
    errno = error;
}

bool kernel_move_pages(void *from, size_t bytes, void *to, bool is_kept) {
    int flags = MREMAP_MAYMOVE | MREMAP_FIXED | (is_kept ? MREMAP_DONTUNMAP : 0);
    return mremap(from, bytes, bytes, flags, to) != MAP_FAILED;
}

bool kernel_protect(void *p, size_t bytes, int protection) {
    return mprotect(p, bytes, protection) == 0;
}

bool kernel_advise(void *p, size_t bytes, int advice) {
    int result;
    do result = madvise(p, bytes, advice);
    while (result != 0 && errno == EINTR);
    return result == 0;
}

bool kernel_sync(void *p, size_t bytes, int flags) { return msync(p, bytes, flags) == 0; }

bool kernel_residency(void *p, size_t bytes, unsigned char *pages) {
    return mincore(p, bytes, pages) == 0;
}

bool kernel_start_writing(int fd, uint64_t from, uint64_t bytes) {
    return sync_file_range(fd, (off_t)from, (off_t)bytes, SYNC_FILE_RANGE_WRITE) == 0;
}

/* ---- texts from /proc ---- */

bool kernel_read_lines(const char *path, bool (*see)(void *state, const char *line), void *state) {
    char text[8192];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    size_t have = 0;
    bool is_wanted = true;
    ssize_t n;
    while (is_wanted && (n = read(fd, text + have, sizeof text - 1 - have)) > 0) {
        have += (size_t)n;
        text[have] = '\0';
        char *line = text;
        for (char *end; is_wanted && (end = strchr(line, '\n')) != NULL; line = end + 1) {
            *end = '\0';
            is_wanted = see(state, line);
        }
        have -= (size_t)(line - text);
        if (have == sizeof text - 1) have = 0;
        memmove(text, line, have);
    }
    kernel_close(fd);
    return true;
}
