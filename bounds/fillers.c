/*
 * Functions that fill a buffer from outside the process or from libc, and functions that pass a
 * buffer on. The check uses the size that the program passes, even if less data arrives: a check
 * after the call would be too late.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <wchar.h>

#include "check.h"

/* Define a function that writes up to `bytes` bytes to a buffer (FILLER) or reads them from it
 * (DRAIN). The other arguments are those of CHECKED. */
#define FILLER(type, name, parameters, arguments, to, bytes) \
    CHECKED(type, name, parameters, arguments, check_write(HERE, to, bytes))

#define DRAIN(type, name, parameters, arguments, from, bytes) \
    CHECKED(type, name, parameters, arguments, check_read(HERE, from, bytes))

/* ---- descriptors ---- */

FILLER(ssize_t, read, (int fd, void *to, size_t n), (fd, to, n), to, n)
FILLER(ssize_t, __read_chk, (int fd, void *to, size_t n, size_t objsize), (fd, to, n, objsize), to,
       n)
FILLER(ssize_t, pread, (int fd, void *to, size_t n, off_t at), (fd, to, n, at), to, n)
FILLER(ssize_t, pread64, (int fd, void *to, size_t n, off64_t at), (fd, to, n, at), to, n)
FILLER(ssize_t, __pread_chk, (int fd, void *to, size_t n, off_t at, size_t objsize),
       (fd, to, n, at, objsize), to, n)
FILLER(ssize_t, __pread64_chk, (int fd, void *to, size_t n, off64_t at, size_t objsize),
       (fd, to, n, at, objsize), to, n)
FILLER(ssize_t, recv, (int fd, void *to, size_t n, int flags), (fd, to, n, flags), to, n)
FILLER(ssize_t, __recv_chk, (int fd, void *to, size_t n, size_t objsize, int flags),
       (fd, to, n, objsize, flags), to, n)
FILLER(ssize_t, recvfrom,
       (int fd, void *to, size_t n, int flags, __SOCKADDR_ARG from, socklen_t *length),
       (fd, to, n, flags, from, length), to, n)
FILLER(ssize_t, __recvfrom_chk,
       (int fd, void *to, size_t n, size_t objsize, int flags, __SOCKADDR_ARG from,
        socklen_t *length),
       (fd, to, n, objsize, flags, from, length), to, n)
FILLER(ssize_t, getrandom, (void *to, size_t n, unsigned flags), (to, n, flags), to, n)
FILLER(int, getentropy, (void *to, size_t n), (to, n), to, n)
ALIAS(__read, read)
ALIAS(__pread64, pread64)

DRAIN(ssize_t, write, (int fd, const void *from, size_t n), (fd, from, n), from, n)
DRAIN(ssize_t, pwrite, (int fd, const void *from, size_t n, off_t at), (fd, from, n, at), from, n)
DRAIN(ssize_t, pwrite64, (int fd, const void *from, size_t n, off64_t at), (fd, from, n, at), from,
      n)
DRAIN(ssize_t, send, (int fd, const void *from, size_t n, int flags), (fd, from, n, flags), from, n)
DRAIN(ssize_t, sendto,
      (int fd, const void *from, size_t n, int flags, __CONST_SOCKADDR_ARG to, socklen_t length),
      (fd, from, n, flags, to, length), from, n)
ALIAS(__write, write)
ALIAS(__pwrite64, pwrite64)
ALIAS(__send, send)

/* ---- scattered buffers ---- */

typedef void buffer_check(struct site site, const void *p, size_t bytes);

static void check_pieces(struct site site, const struct iovec *pieces, size_t count,
                         buffer_check *check) {
    check_read(site, pieces, array_bytes(count, sizeof *pieces));
    for (size_t i = 0; i < count; i++) check(site, pieces[i].iov_base, pieces[i].iov_len);
}

/* A count below 1 needs no check, because libc rejects it. */
#define PIECES(name, check, parameters, arguments) \
    CHECKED(ssize_t, name, parameters, arguments,  \
            if (count > 0) check_pieces(HERE, pieces, (size_t)count, check))

PIECES(readv, check_write, (int fd, const struct iovec *pieces, int count), (fd, pieces, count))
PIECES(preadv, check_write, (int fd, const struct iovec *pieces, int count, off_t at),
       (fd, pieces, count, at))
PIECES(preadv64, check_write, (int fd, const struct iovec *pieces, int count, off64_t at),
       (fd, pieces, count, at))
PIECES(preadv2, check_write, (int fd, const struct iovec *pieces, int count, off_t at, int flags),
       (fd, pieces, count, at, flags))
PIECES(preadv64v2, check_write,
       (int fd, const struct iovec *pieces, int count, off64_t at, int flags),
       (fd, pieces, count, at, flags))
PIECES(writev, check_read, (int fd, const struct iovec *pieces, int count), (fd, pieces, count))
PIECES(pwritev, check_read, (int fd, const struct iovec *pieces, int count, off_t at),
       (fd, pieces, count, at))
PIECES(pwritev64, check_read, (int fd, const struct iovec *pieces, int count, off64_t at),
       (fd, pieces, count, at))
PIECES(pwritev2, check_read, (int fd, const struct iovec *pieces, int count, off_t at, int flags),
       (fd, pieces, count, at, flags))
PIECES(pwritev64v2, check_read,
       (int fd, const struct iovec *pieces, int count, off64_t at, int flags),
       (fd, pieces, count, at, flags))

static void check_message(struct site site, const struct msghdr *message, buffer_check *check) {
    check_read(site, message, sizeof *message);
    check_pieces(site, message->msg_iov, message->msg_iovlen, check);
    if (message->msg_control != NULL) check(site, message->msg_control, message->msg_controllen);
}

CHECKED(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags),
        check_message(HERE, message, check_write))

CHECKED(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags),
        check_message(HERE, message, check_read))

EXPORT int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
                    struct timespec *timeout) {
    for (unsigned i = 0; i < count; i++) check_message(HERE, &messages[i].msg_hdr, check_write);
    return REAL(recvmmsg)(fd, messages, count, flags, timeout);
}

EXPORT int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags) {
    for (unsigned i = 0; i < count; i++) check_message(HERE, &messages[i].msg_hdr, check_read);
    return REAL(sendmmsg)(fd, messages, count, flags);
}

/* ---- streams ---- */

/* Returns 0 for a negative size, which libc handles. */
static size_t line_size(int size) { return size < 0 ? 0 : (size_t)size; }

FILLER(size_t, fread, (void *to, size_t size, size_t n, FILE *stream), (to, size, n, stream), to,
       array_bytes(size, n))
FILLER(size_t, fread_unlocked, (void *to, size_t size, size_t n, FILE *stream),
       (to, size, n, stream), to, array_bytes(size, n))
FILLER(size_t, __fread_chk, (void *to, size_t objsize, size_t size, size_t n, FILE *stream),
       (to, objsize, size, n, stream), to, array_bytes(size, n))
FILLER(size_t, __fread_unlocked_chk,
       (void *to, size_t objsize, size_t size, size_t n, FILE *stream),
       (to, objsize, size, n, stream), to, array_bytes(size, n))
FILLER(char *, fgets, (char *to, int n, FILE *stream), (to, n, stream), to, line_size(n))
FILLER(char *, fgets_unlocked, (char *to, int n, FILE *stream), (to, n, stream), to, line_size(n))
FILLER(char *, __fgets_chk, (char *to, size_t objsize, int n, FILE *stream),
       (to, objsize, n, stream), to, line_size(n))
FILLER(char *, __fgets_unlocked_chk, (char *to, size_t objsize, int n, FILE *stream),
       (to, objsize, n, stream), to, line_size(n))
FILLER(wchar_t *, fgetws, (wchar_t * to, int n, FILE *stream), (to, n, stream), to,
       line_size(n) * sizeof *to)
FILLER(wchar_t *, fgetws_unlocked, (wchar_t * to, int n, FILE *stream), (to, n, stream), to,
       line_size(n) * sizeof *to)
FILLER(wchar_t *, __fgetws_chk, (wchar_t * to, size_t objsize, int n, FILE *stream),
       (to, objsize, n, stream), to, line_size(n) * sizeof *to)
FILLER(wchar_t *, __fgetws_unlocked_chk, (wchar_t * to, size_t objsize, int n, FILE *stream),
       (to, objsize, n, stream), to, line_size(n) * sizeof *to)
DRAIN(size_t, fwrite, (const void *from, size_t size, size_t n, FILE *stream),
      (from, size, n, stream), from, array_bytes(size, n))
DRAIN(size_t, fwrite_unlocked, (const void *from, size_t size, size_t n, FILE *stream),
      (from, size, n, stream), from, array_bytes(size, n))

/* The program owns the block that holds the line, and passes its size. */
FILLER(ssize_t, getline, (char **to, size_t *n, FILE *stream), (to, n, stream), *to,
       *to == NULL ? 0 : *n)
FILLER(ssize_t, getdelim, (char **to, size_t *n, int end, FILE *stream), (to, n, end, stream), *to,
       *to == NULL ? 0 : *n)
ALIAS(__getdelim, getdelim)

#define STRING_DRAIN(type, name, parameters, arguments, from)         \
    EXPORT type name parameters {                                     \
        size_t limit = limit_of(from);                                \
        if (limit != SIZE_MAX && REAL(strnlen)(from, limit) == limit) \
            check_fail(HERE, MALLOW_STRING, from, 0);                 \
        return REAL(name) arguments;                                  \
    }

STRING_DRAIN(int, puts, (const char *from), (from), from)
STRING_DRAIN(int, fputs, (const char *from, FILE *stream), (from, stream), from)
STRING_DRAIN(int, fputs_unlocked, (const char *from, FILE *stream), (from, stream), from)

/* ---- names ---- */

FILLER(char *, getcwd, (char *to, size_t n), (to, n), to, n)
FILLER(char *, __getcwd_chk, (char *to, size_t n, size_t objsize), (to, n, objsize), to, n)
FILLER(int, gethostname, (char *to, size_t n), (to, n), to, n)
FILLER(int, __gethostname_chk, (char *to, size_t n, size_t objsize), (to, n, objsize), to, n)
FILLER(int, getdomainname, (char *to, size_t n), (to, n), to, n)
FILLER(int, __getdomainname_chk, (char *to, size_t n, size_t objsize), (to, n, objsize), to, n)
FILLER(int, getlogin_r, (char *to, size_t n), (to, n), to, n)
FILLER(int, __getlogin_r_chk, (char *to, size_t n, size_t objsize), (to, n, objsize), to, n)
FILLER(ssize_t, readlink, (const char *path, char *to, size_t n), (path, to, n), to, n)
FILLER(ssize_t, __readlink_chk, (const char *path, char *to, size_t n, size_t objsize),
       (path, to, n, objsize), to, n)
FILLER(ssize_t, readlinkat, (int fd, const char *path, char *to, size_t n), (fd, path, to, n), to,
       n)
FILLER(ssize_t, __readlinkat_chk, (int fd, const char *path, char *to, size_t n, size_t objsize),
       (fd, path, to, n, objsize), to, n)
FILLER(int, ttyname_r, (int fd, char *to, size_t n), (fd, to, n), to, n)
FILLER(int, __ttyname_r_chk, (int fd, char *to, size_t n, size_t objsize), (fd, to, n, objsize), to,
       n)
FILLER(int, ptsname_r, (int fd, char *to, size_t n), (fd, to, n), to, n)
FILLER(int, __ptsname_r_chk, (int fd, char *to, size_t n, size_t objsize), (fd, to, n, objsize), to,
       n)
FILLER(size_t, confstr, (int name, char *to, size_t n), (name, to, n), to, n)
FILLER(size_t, __confstr_chk, (int name, char *to, size_t n, size_t objsize),
       (name, to, n, objsize), to, n)
FILLER(char *, strerror_r, (int error, char *to, size_t n), (error, to, n), to, n)
FILLER(int, __xpg_strerror_r, (int error, char *to, size_t n), (error, to, n), to, n)
ALIAS(__strerror_r, strerror_r)
FILLER(ssize_t, getxattr, (const char *path, const char *name, void *to, size_t n),
       (path, name, to, n), to, n)
FILLER(ssize_t, lgetxattr, (const char *path, const char *name, void *to, size_t n),
       (path, name, to, n), to, n)
FILLER(ssize_t, fgetxattr, (int fd, const char *name, void *to, size_t n), (fd, name, to, n), to, n)
FILLER(ssize_t, listxattr, (const char *path, char *to, size_t n), (path, to, n), to, n)
FILLER(ssize_t, llistxattr, (const char *path, char *to, size_t n), (path, to, n), to, n)
FILLER(ssize_t, flistxattr, (int fd, char *to, size_t n), (fd, to, n), to, n)
FILLER(int, getgroups, (int n, gid_t *to), (n, to), to, line_size(n) * sizeof *to)
FILLER(int, __getgroups_chk, (int n, gid_t *to, size_t objsize), (n, to, objsize), to,
       line_size(n) * sizeof *to)
