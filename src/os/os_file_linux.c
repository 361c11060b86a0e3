/* Implements the part of os.h that is about files and descriptors, with raw system calls as in
 * os_linux.c. */
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "os/os_call.h"

/* O_NONBLOCK is needed because opening anything but a regular file might wait. */
void *os_map_file(const char *path, size_t bytes) {
    struct stat status;
    long flags = O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    long fd = CALL(SYS_openat, AT_FDCWD, path, flags);
    if (IS_ERROR(fd)) return NULL;
    long start = -1;
    if (CALL(SYS_fstat, fd, &status) == 0 && S_ISREG(status.st_mode) &&
        (size_t)status.st_size >= bytes)
        start = CALL(SYS_mmap, 0, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
    CALL(SYS_close, fd);
    return IS_ERROR(start) ? NULL : (void *)start;
}

long os_read_file(const char *path, char *buffer, size_t bytes) {
    long fd = CALL(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (IS_ERROR(fd)) return -1;
    size_t have = 0;
    long n = 1;
    while (have < bytes && n != 0) {
        n = CALL(SYS_read, fd, buffer + have, bytes - have);
        if (n == -4 /* EINTR */) continue;
        if (n < 0) break;
        have += (size_t)n;
    }
    CALL(SYS_close, fd);
    return n < 0 && have == 0 ? -1 : (long)have;
}

void os_write(int fd, const char *text, size_t bytes) {
    while (bytes > 0) {
        long n = CALL(SYS_write, fd, text, bytes);
        if (n == -4 /* EINTR */) continue;
        if (n <= 0) return;
        text += n;
        bytes -= (size_t)n;
    }
}

/* The signal is blocked, so the one that the write raises becomes pending and can be removed. */
void os_write_quietly(int fd, const char *text, size_t bytes) {
    const uint64_t broken_pipe = (uint64_t)1 << (SIGPIPE - 1);
    uint64_t mask = os_block_signals(), waiting = 0;
    CALL(SYS_rt_sigpending, &waiting, sizeof waiting);
    os_write(fd, text, bytes);
    struct timespec at_once = {0};
    if ((waiting & broken_pipe) == 0)
        CALL(SYS_rt_sigtimedwait, &broken_pipe, 0, &at_once, sizeof broken_pipe);
    os_restore_signals(mask);
}

int os_open_process_file(int number) {
    char path[] = "/proc/self/fd/..........";
    char *digit = path + sizeof path - 1;
    *digit = '\0';
    do *--digit = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    memmove(path + sizeof "/proc/self/fd/" - 1, digit, strlen(digit) + 1);
    long fd =
        CALL(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    return IS_ERROR(fd) ? -1 : (int)fd;
}

#define IS_BUSY(r) ((r) == -EWOULDBLOCK)

/* On 64-bit machines, libc's struct stat is the kernel's. */
static bool os_identify_file(int fd, struct stat *status) {
    return CALL(SYS_fstat, fd, status) == 0;
}

static void os_set_file(struct os_file *file, const struct stat *status) {
    file->device = status->st_dev;
    file->number = status->st_ino;
}

/* It is 1000 or more, or half or a quarter of that and so on if the limit is lower. It is not the
 * highest number, which would enlarge the kernel's table of descriptors. */
int os_move_high(int fd) {
    for (long least = 1000; least > fd; least /= 2) {
        long moved = CALL(SYS_fcntl, fd, F_DUPFD_CLOEXEC, least);
        if (IS_ERROR(moved)) continue;
        os_close(fd);
        return (int)moved;
    }
    return fd;
}

int os_open_log(const char *path, bool create, struct os_file *file) {
    struct stat status = {0};
    int flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
    long fd = CALL(SYS_openat, AT_FDCWD, path, flags | (create ? O_CREAT : 0), 0600);
    if (IS_ERROR(fd)) return (int)-fd;
    file->fd = os_move_high((int)fd);
    os_identify_file(file->fd, &status);
    os_set_file(file, &status);
    /* Writes may wait for a slow terminal, but not for the reader of a pipe, which may never come.
     */
    if (!S_ISFIFO(status.st_mode)) CALL(SYS_fcntl, file->fd, F_SETFL, O_APPEND);
    return 0;
}

/* Locks the file for this process, and empties it. */
static enum os_opened os_claim_file(const struct os_file *file, const struct stat *status,
                                    bool guessable) {
    bool regular = S_ISREG(status->st_mode);
    bool own = status->st_uid == (uid_t)CALL(SYS_geteuid) && status->st_nlink == 1;
    if (guessable && !(regular && own)) return OS_REFUSED;
    if (!regular) return OS_OPENED; /* a terminal, a pipe */
    if (IS_BUSY(CALL(SYS_flock, file->fd, LOCK_EX | LOCK_NB))) return OS_IN_USE;
    CALL(SYS_ftruncate, file->fd, 0);
    return OS_OPENED;
}

enum os_opened os_create_log(const char *path, bool guessable, struct os_file *file) {
    struct stat status = {0};
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
    if (guessable) flags |= O_NOFOLLOW | O_NONBLOCK;
    long fd = CALL(SYS_openat, AT_FDCWD, path, flags, 0666);
    if (IS_ERROR(fd)) return OS_REFUSED;
    file->fd = os_move_high((int)fd);
    os_identify_file(file->fd, &status);
    os_set_file(file, &status);
    enum os_opened opened = os_claim_file(file, &status, guessable);
    if (opened != OS_OPENED) os_close(file->fd);
    return opened;
}

bool os_is_file(const struct os_file *file) {
    struct stat status = {0};
    struct os_file now;
    if (!os_identify_file(file->fd, &status)) return false;
    os_set_file(&now, &status);
    return os_is_same_file(&now, file);
}

bool os_find_file(const char *path, struct os_file *file) {
    struct stat status;
    long fd = CALL(SYS_openat, AT_FDCWD, path, O_PATH | O_CLOEXEC);
    if (IS_ERROR(fd)) return false;
    file->fd = (int)fd;
    if (os_identify_file(file->fd, &status)) return os_set_file(file, &status), true;
    os_close(file->fd);
    return false;
}

void os_close(int fd) { CALL(SYS_close, fd); }
