/*
 * Results and errors of libmallow-memory.
 *
 * A function that can fail returns an enum mallow_result. After a failure errno is set too, the
 * arguments that receive results are unchanged, and the calling thread can ask for details:
 *
 *     enum mallow_result result = mallow_lock(key, bytes);
 *     if (result != MALLOW_OK) warnx("%s", mallow_error_text(result));
 *
 * A successful call leaves errno and the details as they were.
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
    MALLOW_BAD_ARGUMENT, /* EINVAL: an argument has no meaning, such as NULL for an object */
    MALLOW_TOO_LARGE,    /* EOVERFLOW: the size exceeds what any object can have */
    MALLOW_NO_ROOM,      /* ERANGE: the object is larger than the room for it */
    MALLOW_NOT_FOUND,    /* ENOENT: no such file, name or value */
    MALLOW_NO_MEMORY,    /* ENOMEM: the kernel has no memory, or a limit is reached */
    MALLOW_AT_LIMIT,     /* EAGAIN, ENOMEM or EPERM: mallow_last_error() names the limit */
    MALLOW_DENIED,       /* EACCES or EPERM: the process lacks a permission */
    MALLOW_UNSUPPORTED,  /* ENOSYS or EOPNOTSUPP: the kernel or the file cannot do it */
    MALLOW_SYSTEM_ERROR, /* a system call failed for a reason that is in errno */
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
};

struct mallow_error {
    enum mallow_result result; /* MALLOW_OK: no call of this thread has failed */
    int error;                 /* what errno was set to */
    const char *function;      /* the function of this library: "mallow_lock" */
    const char *call;          /* the system call that failed: "mlock"; NULL: none */
    enum mallow_limit limit;   /* the limit that was hit, and, unless it is MALLOW_NO_LIMIT: */
    uint64_t used, maximum;    /* what is used of it, and its value, in its unit */
    uint64_t wanted;           /* how much more the call needed; also for MALLOW_TOO_LARGE and
                                * MALLOW_NO_ROOM, where `maximum` is the room; bytes */
};

/*
 * Returns the details of the calling thread's last failure.
 *
 * Always succeeds, and leaves errno unchanged. Thread-safe; also in signal handlers.
 */
struct mallow_error mallow_last_error(void);

/*
 * Returns a text about the result, without a newline. If it is the result of the calling thread's
 * last failure, the text says which call failed, why, and what to do, such as "mallow_lock:
 * RLIMIT_MEMLOCK is 8192 KiB, 8100 KiB are locked, and 128 KiB more are needed: raise it with
 * ulimit -l or prlimit". Otherwise it is the meaning of the result, such as "a limit is reached".
 * The text is valid until the thread calls the function again.
 *
 * Always succeeds, and leaves errno unchanged. Thread-safe; not in signal handlers.
 */
const char *mallow_error_text(enum mallow_result result);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
