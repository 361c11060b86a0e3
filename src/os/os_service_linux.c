/* Implements os_service.h on Linux. It makes system calls by number, because programs replace
 * libc's functions and preloaded libraries wrap them. */
#include "os/os_service.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "os/os.h"
#include "os/os_call.h"

#ifndef SYS_close_range
#    define SYS_close_range 436
#endif
#define UNSHARE_TABLE 2u       /* CLOSE_RANGE_UNSHARE */
#define UNSHARE_FILES 0x400l   /* CLONE_FILES */
#define SEAL_FUTURE_WRITE 0x10 /* F_SEAL_FUTURE_WRITE */

/* Returns the number of descriptors that the thread's table has room for, or 0 if it is unknown. */
static unsigned os_service_table_size(void) {
    char status[1024];
    long length = os_read_file("/proc/thread-self/status", status, sizeof status - 1);
    status[length > 0 ? length : 0] = '\0';
    const char *at = strstr(status, "FDSize:");
    unsigned size = 0;
    for (at = at == NULL ? "" : at + 7; *at == ' ' || *at == '\t';) at++;
    for (; *at >= '0' && *at <= '9'; at++) size = size * 10 + (unsigned)(*at - '0');
    return size;
}

/* For Linux before 5.9. */
static bool os_service_close_one_by_one(void) {
    if (call_errno(SYS_unshare, UNSHARE_FILES) != 0) return false;
    unsigned size = os_service_table_size();
    for (unsigned fd = 0; fd < size; fd++) call_errno(SYS_close, fd);
    return size != 0;
}

bool os_own_descriptors(void) {
    return call_errno(SYS_close_range, 0u, ~0u, UNSHARE_TABLE) == 0 ||
           os_service_close_one_by_one();
}

void os_name_thread(const char *name) { call_errno(SYS_prctl, PR_SET_NAME, name, 0, 0, 0); }

uint64_t os_pid_namespace(void) {
    struct os_file pids;
    if (!os_find_file("/proc/self/ns/pid", &pids)) return 0;
    os_close(pids.fd);
    return pids.number;
}

/* Creates a socket and applies `attach`, SYS_bind or SYS_connect, with the name. */
static int os_service_named_socket(long attach, int flags, const char *name, size_t length) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (length >= sizeof address.sun_path) return -1;
    memcpy(address.sun_path + 1, name, length);
    int fd = (int)call_errno(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    if (fd < 0) return -1;
    size_t bytes = offsetof(struct sockaddr_un, sun_path) + 1 + length;
    if (call_errno(attach, fd, &address, (socklen_t)bytes) == 0) return fd;
    os_close(fd);
    return -1;
}

int os_listen(const char *name, size_t length) {
    int fd = os_service_named_socket(SYS_bind, 0, name, length);
    if (fd < 0 || call_errno(SYS_listen, fd, 16) == 0) return fd;
    os_close(fd);
    return -1;
}

int os_connect(const char *name, size_t length) {
    return os_service_named_socket(SYS_connect, SOCK_NONBLOCK, name, length);
}

int os_accept(int listener) {
    return (int)call_errno(SYS_accept4, listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

/* Returns true if the socket becomes ready for `events` before the deadline. */
static bool os_service_await(int fd, short events, int64_t deadline) {
    for (;;) {
        int64_t left = deadline - os_coarse_ns();
        if (left <= 0) return false;
        struct timespec time = {(time_t)(left / 1000000000), (long)(left % 1000000000)};
        struct pollfd wanted = {fd, events, 0};
        if (call_errno(SYS_ppoll, &wanted, 1, &time, NULL, 8) > 0) return true;
    }
}

size_t os_receive(int fd, char *buffer, size_t bytes, int64_t deadline) {
    while (os_service_await(fd, POLLIN, deadline)) {
        long n = call_errno(SYS_recvfrom, fd, buffer, bytes, MSG_DONTWAIT, NULL, NULL);
        if (n >= 0) return (size_t)n;
        if (errno != EAGAIN && errno != EINTR) return 0;
    }
    return 0;
}

/* Sends one message, with the descriptor `passed` unless it is negative. Returns the number of
 * bytes that were sent, or -1. */
static long os_service_send_some(int fd, const char *bytes, size_t count, int passed) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } passing = {.space = {0}};
    struct iovec part = {(void *)(uintptr_t)bytes, count};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (passed >= 0) {
        passing.header.cmsg_level = SOL_SOCKET;
        passing.header.cmsg_type = SCM_RIGHTS;
        passing.header.cmsg_len = CMSG_LEN(sizeof passed);
        memcpy(CMSG_DATA(&passing.header), &passed, sizeof passed);
        message.msg_control = &passing;
        message.msg_controllen = sizeof passing;
    }
    return call_errno(SYS_sendmsg, fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

bool os_send(int fd, const char *bytes, size_t count, int passed, int64_t deadline) {
    while (count > 0) {
        if (!os_service_await(fd, POLLOUT, deadline)) return false;
        long n = os_service_send_some(fd, bytes, count, passed);
        if (n < 0 && errno != EAGAIN && errno != EINTR) return false;
        if (n < 0) continue;
        passed = -1;
        bytes += n;
        count -= (size_t)n;
    }
    return true;
}

static void *os_service_map_sealed(int fd, size_t bytes) {
    int fixed = F_SEAL_SHRINK | F_SEAL_GROW;
    if (call_errno(SYS_ftruncate, fd, bytes) != 0 ||
        call_errno(SYS_fcntl, fd, F_ADD_SEALS, fixed) != 0)
        return NULL;
    long place = CALL(SYS_mmap, NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (IS_ERROR(place)) return NULL;
    void *start = (void *)place;
    /* Before Linux 5.1 other processes can write to it, but this process never reads it. */
    call_errno(SYS_fcntl, fd, F_ADD_SEALS, SEAL_FUTURE_WRITE | F_SEAL_SEAL);
    if (CALL(SYS_madvise, start, bytes, MADV_DONTFORK) == 0) return start;
    os_unmap(start, bytes);
    return NULL;
}

void *os_shared_memory(size_t bytes, int *fd) {
    *fd = (int)call_errno(SYS_memfd_create, "mallow", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*fd < 0) return NULL;
    void *start = os_service_map_sealed(*fd, bytes);
    if (start == NULL) os_close(*fd);
    return start;
}
