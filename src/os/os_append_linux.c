/* Implements os_append.h on Linux. */
#include "os/os_append.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "os/os_call.h"

#define APPEND_FLAGS (O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK)

static bool os_append_identify(int fd, struct stat *status) {
    return CALL(SYS_fstat, fd, status) == 0;
}

/* Returns 0 or an error number. */
static int os_append_check(int fd, bool guessable, struct os_file *file) {
    struct stat status = {0};
    if (!os_append_identify(fd, &status) || !S_ISREG(status.st_mode)) return ENODEV;
    bool own = status.st_uid == (uid_t)CALL(SYS_geteuid, 0) && status.st_nlink == 1;
    if (guessable && !own) return EPERM;
    file->device = status.st_dev;
    file->number = status.st_ino;
    return (int)-CALL(SYS_flock, fd, LOCK_EX | LOCK_NB);
}

int os_append_claim(const char *path, bool guessable, struct os_file *file) {
    long fd = CALL(SYS_openat, AT_FDCWD, path, APPEND_FLAGS | O_CREAT, 0600);
    if (IS_ERROR(fd)) return (int)-fd;
    int error = os_append_check((int)fd, guessable, file);
    if (error != 0)
        os_close((int)fd);
    else
        file->fd = os_move_high((int)fd);
    return error;
}

int os_append_open(const char *path, const struct os_file *file) {
    long fd = CALL(SYS_openat, AT_FDCWD, path, APPEND_FLAGS, 0);
    if (IS_ERROR(fd)) return -1;
    struct os_file now = {.fd = (int)fd, .device = file->device, .number = file->number};
    if (os_is_file(&now)) return os_move_high((int)fd);
    os_close((int)fd);
    return -1;
}

static bool os_append_all(int fd, const char *bytes, size_t count) {
    while (count > 0) {
        long n = CALL(SYS_write, fd, bytes, count);
        if (n == -EINTR) continue;
        if (n <= 0) return false;
        bytes += n;
        count -= (size_t)n;
    }
    return true;
}

/* A limit on the size of files (RLIMIT_FSIZE) raises SIGXFSZ. It is blocked, so that it becomes
 * pending and can be removed. */
bool os_append(int fd, const void *bytes, size_t count) {
    const uint64_t too_large = (uint64_t)1 << (SIGXFSZ - 1);
    uint64_t mask = os_block_signals(), waiting = 0;
    CALL(SYS_rt_sigpending, &waiting, sizeof waiting);
    bool written = os_append_all(fd, bytes, count);
    struct timespec at_once = {0};
    if (!written && (waiting & too_large) == 0)
        CALL(SYS_rt_sigtimedwait, &too_large, 0, &at_once, sizeof too_large);
    os_restore_signals(mask);
    return written;
}

int64_t os_append_size(int fd) {
    struct stat status = {0};
    return os_append_identify(fd, &status) ? status.st_size : -1;
}

bool os_append_truncate(int fd, uint64_t bytes) { return CALL(SYS_ftruncate, fd, bytes) == 0; }

long os_append_read(int fd, void *buffer, size_t count, uint64_t offset) {
    long n = CALL(SYS_pread64, fd, buffer, count, offset);
    return IS_ERROR(n) ? -1 : n;
}
