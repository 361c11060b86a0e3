#include "base/kernel_shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/kernel.h"

#ifndef F_OFD_SETLK
#    define F_OFD_GETLK 36
#    define F_OFD_SETLK 37
#    define F_OFD_SETLKW 38
#endif

/* ---- descriptors ---- */

int kernel_open_at(int directory, const char *name, int flags, unsigned mode) {
    int fd;
    do fd = openat(directory, name, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, (mode_t)mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

int kernel_open_memory(const char *name, int flags, unsigned mode) {
    return shm_open(name, flags, (mode_t)mode);
}

int kernel_open_memfd(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

int kernel_open_again(int fd, bool read_only) {
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return kernel_open_at(AT_FDCWD, path, read_only ? O_RDONLY : O_RDWR, 0);
}

void kernel_close_file(int fd) {
    int error = errno;
    if (fd >= 0) close(fd);
    errno = error;
}

/* ---- names ---- */

bool kernel_unlink_at(int directory, const char *name) { return unlinkat(directory, name, 0) == 0; }

bool kernel_unlink_memory(const char *name) { return shm_unlink(name) == 0; }

bool kernel_rename_at(int directory, const char *from, const char *to) {
    return renameat(directory, from, directory, to) == 0;
}

/* ---- files ---- */

bool kernel_describe(int fd, struct kernel_file *file) {
    struct stat status;
    if (fstat(fd, &status) != 0) return false;
    file->bytes = (uint64_t)status.st_size;
    file->is_regular = S_ISREG(status.st_mode);
    file->has_name = status.st_nlink != 0;
    file->mode = status.st_mode & 0777;
    return true;
}

bool kernel_set_file_mode(int fd, unsigned mode) { return fchmod(fd, (mode_t)mode) == 0; }

bool kernel_set_file_size(int fd, uint64_t bytes) {
    int result;
    do result = ftruncate(fd, (off_t)bytes);
    while (result != 0 && errno == EINTR);
    return result == 0;
}

/* Allocates in pieces: tmpfs gives up a whole call when a signal arrives. */
bool kernel_allocate(int fd, uint64_t from, uint64_t to) {
    const uint64_t piece = (uint64_t)16 << 20;
    while (from < to) {
        uint64_t bytes = to - from < piece ? to - from : piece;
        if (fallocate(fd, 0, (off_t)from, (off_t)bytes) == 0)
            from += bytes;
        else if (errno != EINTR)
            return false;
    }
    return true;
}

bool kernel_read_at(int fd, void *to, size_t bytes, uint64_t offset) {
    for (size_t done = 0; done < bytes;) {
        ssize_t n = pread(fd, (char *)to + done, bytes - done, (off_t)(offset + done));
        if (n == 0) errno = 0;
        if (n == 0 || (n < 0 && errno != EINTR)) return false;
        if (n > 0) done += (size_t)n;
    }
    return true;
}

bool kernel_write_at(int fd, const void *from, size_t bytes, uint64_t offset) {
    for (size_t done = 0; done < bytes;) {
        ssize_t n = pwrite(fd, (const char *)from + done, bytes - done, (off_t)(offset + done));
        if (n < 0 && errno != EINTR) return false;
        if (n > 0) done += (size_t)n;
    }
    return true;
}

bool kernel_find_data(int fd, uint64_t *from, uint64_t *to) {
    off_t start = lseek(fd, (off_t)*from, SEEK_DATA);
    if (start < 0) return false;
    off_t end = lseek(fd, start, SEEK_HOLE);
    if (end < 0) return false;
    *from = (uint64_t)start;
    *to = (uint64_t)end;
    return true;
}

bool kernel_sync_file(int fd) {
    int result;
    do result = fsync(fd);
    while (result != 0 && errno == EINTR);
    return result == 0;
}

void *kernel_map_shared(int fd, size_t bytes, bool read_only) {
    void *p = mmap(NULL, bytes, read_only ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return p == MAP_FAILED ? NULL : p;
}

bool kernel_flush_shared(void *p, size_t bytes) { return msync(p, bytes, MS_SYNC) == 0; }

/* ---- locks ---- */

static struct flock kernel_flock(uint64_t byte, enum kernel_byte_lock lock) {
    short type = F_UNLCK;
    if (lock != KERNEL_BYTE_FREE) type = lock == KERNEL_BYTE_SHARED ? F_RDLCK : F_WRLCK;
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)byte, .l_len = 1};
}

bool kernel_lock_byte(int fd, uint64_t byte, enum kernel_byte_lock lock, bool wait) {
    struct flock range = kernel_flock(byte, lock);
    int result;
    do result = fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &range);
    while (result != 0 && errno == EINTR);
    if (result != 0 && errno == EACCES) errno = EAGAIN;
    return result == 0;
}

bool kernel_byte_is_locked(int fd, uint64_t byte) {
    struct flock range = kernel_flock(byte, KERNEL_BYTE_EXCLUSIVE);
    return fcntl(fd, F_OFD_GETLK, &range) == 0 && range.l_type != F_UNLCK;
}

/* ---- others ---- */

uint64_t kernel_random(void) {
    uint64_t value;
    int error = errno;
    if (getrandom(&value, sizeof value, GRND_NONBLOCK) != (ssize_t)sizeof value) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        value = (uint64_t)now.tv_sec * 1000000007 ^ (uint64_t)now.tv_nsec << 20 ^
                (uint64_t)getpid() << 44;
    }
    errno = error;
    return value;
}

uint64_t kernel_pid_namespace(void) {
    struct stat status;
    int error = errno;
    bool is_known = stat("/proc/self/ns/pid", &status) == 0;
    errno = error;
    return is_known ? status.st_ino & UINT32_MAX : 0;
}

void kernel_sleep_ms(unsigned ms) {
    struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&time, NULL);
}
