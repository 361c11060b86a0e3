/*
 * The results and errors of libmallow-memory.
 *
 * A function that can fail returns an enum mallow_result, or NULL in place of a block. After a
 * failure, errno is set, the arguments that receive results are unchanged, and the calling thread
 * can ask for details:
 *
 *     enum mallow_result result = mallow_copy(to, room, from, bytes);
 *     if (result != MALLOW_OK) warnx("%s", mallow_error_text(result));
 *
 * A successful call leaves errno and the details unchanged. A search that returns MALLOW_NOT_FOUND
 * leaves them unchanged too (mallow/bytes.h).
 */
#ifndef MALLOW_RESULT_H
#define MALLOW_RESULT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

enum mallow_result {
    MALLOW_OK,
    MALLOW_BAD_ARGUMENT, /* EINVAL: an argument is invalid, such as NULL for an object */
    MALLOW_TOO_LARGE,    /* EOVERFLOW: no object can have this size */
    MALLOW_NO_ROOM,      /* ERANGE: the object is larger than the room for it */
    MALLOW_NOT_FOUND,    /* ENOENT: no such file, name or value */
    MALLOW_NO_MEMORY,    /* ENOMEM: no memory is available, and no limit is known to be the cause */
    MALLOW_AT_LIMIT,     /* EAGAIN, EFBIG, EMFILE, ENOMEM or EPERM: mallow_last_error() names the
                          * limit */
    MALLOW_DENIED,       /* EACCES or EPERM: the process lacks a permission */
    MALLOW_UNSUPPORTED,  /* ENOSYS or EOPNOTSUPP: the kernel or the file cannot do it */
    MALLOW_SYSTEM_ERROR, /* a system call failed for another reason; see errno */
    MALLOW_EXISTS,       /* EEXIST: the object already exists */
    MALLOW_BUSY,         /* ETIMEDOUT, EDEADLK or EAGAIN: the object is locked or being changed */
    MALLOW_DAMAGED,      /* EUCLEAN: the library's own data was overwritten */
    MALLOW_FOREIGN_IMAGE,  /* ENOEXEC: the file is no image, or one from another kind of machine */
    MALLOW_NEWER_IMAGE,    /* EPROTO: a later version of this library made the image */
    MALLOW_FOREIGN_HANDLE, /* EINVAL: the handle does not belong to this heap */
    MALLOW_NOT_A_BLOCK,    /* EINVAL: the handle refers to the inside of a block */
    MALLOW_ALREADY_FREE,   /* EINVAL: the handle refers to free memory */
    MALLOW_NOT_MAPPED,     /* ENOMEM: part of the range is not mapped */
    MALLOW_NOT_LOCKED,     /* EINVAL: this library has not locked all of the memory */
    MALLOW_NO_SPACE,       /* ENOSPC or EDQUOT: the disk is full */
    MALLOW_TRUNCATED,      /* ENODATA: the file has become shorter than its mapping */
    MALLOW_NOT_SECRET,     /* EINVAL: the address is not that of a secret of this process */
    MALLOW_NOT_OPEN,       /* EINVAL: the secret is not open for that access */
};

/* The limits that a call can reach. */
enum mallow_limit {
    MALLOW_NO_LIMIT,
    MALLOW_LIMIT_LOCKED_MEMORY, /* RLIMIT_MEMLOCK, bytes */
    MALLOW_LIMIT_ADDRESS_SPACE, /* RLIMIT_AS, bytes */
    MALLOW_LIMIT_DATA,          /* RLIMIT_DATA, bytes */
    MALLOW_LIMIT_FILE_SIZE,     /* RLIMIT_FSIZE, bytes */
    MALLOW_LIMIT_MAPPINGS,      /* vm.max_map_count, mappings */
    MALLOW_LIMIT_FILES,         /* RLIMIT_NOFILE, descriptors */
    MALLOW_LIMIT_HUGE_PAGES,    /* vm.nr_hugepages, pages */
};

struct mallow_error {
    enum mallow_result result; /* MALLOW_OK: no call of this thread has failed */
    int error;                 /* the value that errno was set to */
    const char *function;      /* the function of this library, such as "mallow_arena_alloc" */
    const char *call;          /* the system call that failed, such as "mmap", or NULL */
    enum mallow_limit limit;   /* the limit that the call reached, or MALLOW_NO_LIMIT */
    uint64_t used, maximum;    /* current use and value of the limit, in its unit; for
                                * MALLOW_NO_ROOM, `maximum` is the room in bytes */
    uint64_t wanted;           /* how much the call needed in addition to `used`, in the unit of
                                * the limit; bytes if there is no limit */
    const char *problem;       /* the defect of an image or file, such as "a free block is not in
                                * the index", or NULL */
    uint64_t position;         /* position of the problem, in bytes from the start */
    const char *advice;        /* how to avoid the error if no limit is its cause, or NULL */
};

/*
 * Returns the details of the calling thread's last failure.
 *
 * Always succeeds, and leaves errno unchanged. Thread-safe and async-signal-safe.
 */
struct mallow_error mallow_last_error(void);

/*
 * Returns a text that describes the result, without a newline. If the calling thread's last failure
 * has this result, the text says which call failed and why, and for a limit how to raise it, such
 * as "mallow_arena_alloc: RLIMIT_AS is 8192 KiB, 8100 KiB are used, and 128 KiB more are needed:
 * raise it with ulimit -v or prlimit". Otherwise the text states what the result means in general,
 * such as "a limit is reached". The text is valid until the thread calls this function again.
 *
 * Always succeeds, and leaves errno unchanged. Thread-safe, but not async-signal-safe.
 */
const char *mallow_error_text(enum mallow_result result);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
