/*
 * Secret memory: for keys and passwords. It stays out of swap space, core dumps and child
 * processes, and it is accessible only while it is in use.
 *
 *     unsigned char *key = mallow_secret_alloc(32, 0);         readable and writable
 *     read_key(key);
 *     mallow_secret_close(key, MALLOW_SECRET_WRITE);           inaccessible
 *     ...
 *     mallow_secret_open(key, MALLOW_SECRET_READ);             readable
 *     encrypt(message, key);
 *     mallow_secret_close(key, MALLOW_SECRET_READ);            inaccessible
 *     mallow_secret_free(key);                                 cleared
 *
 * Memory. Secrets are in memory of memfd_secret(2), which even the kernel does not map, or, where
 * the kernel refuses that, in locked private memory. mallow_secret_describe() says which. Both
 * kinds count towards RLIMIT_MEMLOCK, and a secret that cannot be locked is an error
 * (mallow/lock.h). Both are left out of core dumps. A program that stays within the default limits
 * of 8 MiB and 65530 mappings can have more than 100,000 secrets of 32 bytes.
 *
 * Access. A secret is in one of three states: closed (no access), read-only, and read-write. Opens
 * are counted, so that uses can be nested: a secret is read-write while it is open for writing at
 * least once, otherwise read-only while it is open for reading at least once, and otherwise closed.
 * A new secret is open for writing once. The state applies to all threads.
 *
 * Pages. Secrets of up to a quarter page share pages with others, unless they are allocated with
 * MALLOW_SECRET_OWN_PAGES. The hardware protects whole pages: a closed secret is accessible while
 * another one in its page is open, and writable while one in its page is allocated, freed, or open
 * for writing. Use MALLOW_SECRET_OWN_PAGES for secrets that need their own protection. Inaccessible
 * guard pages surround each shared page and each secret with own pages.
 *
 * Damage. Canaries, which are bytes with unpredictable values, precede and follow each secret. If
 * an overflow has changed them, or if a freed secret was written to, the next close, free or
 * allocation in this place reports the damage and ends the process with abort(3), because no result
 * could be trusted.
 *
 * Faults. An access that a page's state forbids, or that hits a guard page, is reported on standard
 * error, for example:
 *     mallow: write to a secret of 32 bytes at 0x7f52a4a0b010, which is read-only
 *     mallow: read of memory after the end of a secret of 4096 bytes at 0x7f52a4a0b000
 * The fault then goes to the program's own handler, or ends the process.
 *
 * Children. A child of fork(2) has none of its parent's secrets: their memory is inaccessible, and
 * an access is reported as one to a secret of the parent process. mallow_secret_free() of such a
 * secret succeeds and does nothing; other functions fail with MALLOW_NOT_SECRET. The child can have
 * secrets of its own. After _Fork(3) or clone(2), a child must not call these functions, but the
 * parent's secrets are unmapped or read as zero there, too.
 *
 * End. mallow_secret_free() clears a secret. When the process exits, the library clears all secrets
 * and makes them inaccessible; if it is killed, the kernel drops the pages.
 *
 * All functions are thread-safe. None is async-signal-safe. Functions that fail set errno and the
 * details of mallow_last_error() (mallow/result.h).
 */
#ifndef MALLOW_SECRET_H
#define MALLOW_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mallow/result.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

enum mallow_secret_flags {
    MALLOW_SECRET_OWN_PAGES = 1, /* no other secret shares the pages */
};

/* MALLOW_SECRET_WRITE includes reading: with it, MALLOW_SECRET_READ changes nothing. */
enum mallow_secret_access {
    MALLOW_SECRET_READ = 1,
    MALLOW_SECRET_WRITE = 2,
};

/*
 * Allocates a secret of `bytes` bytes, all 0, and opens it for writing once. It is aligned to 16
 * bytes. With MALLOW_SECRET_OWN_PAGES, it ends exactly at a guard page, so that each access after
 * its end faults; it is then aligned to the largest power of two up to 16 that divides `bytes`.
 * That suffices for each object whose size is `bytes`. A secret of 0 bytes has an address of its
 * own, which must not be accessed. `flags` is 0 or MALLOW_SECRET_OWN_PAGES.
 *
 * Returns NULL if it fails:
 *     MALLOW_BAD_ARGUMENT  EINVAL: a flag is unknown
 *     MALLOW_TOO_LARGE     EOVERFLOW: no object can have this size
 *     MALLOW_AT_LIMIT      ENOMEM, EAGAIN or EPERM: RLIMIT_MEMLOCK, RLIMIT_AS or vm.max_map_count
 *     MALLOW_NO_MEMORY     ENOMEM or EAGAIN
 *     MALLOW_DENIED        EPERM: a filter of system calls refuses the lock
 *     MALLOW_SYSTEM_ERROR  a system call failed for another reason
 * See memfd_secret(2), mlock(2) and madvise(2).
 */
void *mallow_secret_alloc(size_t bytes, unsigned flags);

/*
 * Clears a secret and frees it, whatever its state is. Does nothing if p is NULL.
 *
 * Fails with MALLOW_NOT_SECRET (EINVAL) if p is not the start of a secret: memory of another kind,
 * an address inside a secret, or a freed secret. Nothing changes in this case. See mprotect(2).
 */
enum mallow_result mallow_secret_free(void *p);

/*
 * Frees `count` secrets like mallow_secret_free(), but changes the protection of a page only once
 * if its secrets follow each other in the array, as they do in the order of their allocation. That
 * saves most of the time. Entries that are NULL are skipped. The array itself is not in secret
 * memory and stays as it is.
 *
 * Fails with MALLOW_BAD_ARGUMENT (EINVAL) if `secrets` is NULL and `count` is not 0, and with
 * MALLOW_NOT_SECRET (EINVAL) if an entry is not the start of a secret or occurs twice. All other
 * entries are freed nevertheless.
 */
enum mallow_result mallow_secret_free_all(void *const *secrets, size_t count);

/*
 * Opens a secret for reading, or for reading and writing, and counts the open. `access` is
 * MALLOW_SECRET_READ, MALLOW_SECRET_WRITE, or both.
 *
 * Fails with MALLOW_BAD_ARGUMENT (EINVAL) if `access` is something else, MALLOW_NOT_SECRET (EINVAL)
 * if p is not the start of a secret, and MALLOW_TOO_LARGE (EOVERFLOW) after 4294967295 opens. See
 * mprotect(2).
 */
enum mallow_result mallow_secret_open(const void *p, unsigned access);

/*
 * Undoes one mallow_secret_open() with the same access, or the open of mallow_secret_alloc().
 * Checks the canaries of the secret.
 *
 * Fails as mallow_secret_open does, and with MALLOW_NOT_OPEN (EINVAL) if no such open is left.
 */
enum mallow_result mallow_secret_close(const void *p, unsigned access);

/*
 * Returns true if the first `bytes` bytes of the secret are equal to the bytes at `other`, in a
 * time that does not depend on where they differ. Opens the secret for reading during the call, and
 * `other` too if it is the start of a secret. Returns false with errno unchanged if they differ.
 *
 * Returns false and sets errno if it fails: as mallow_secret_open does, and with
 * MALLOW_BAD_ARGUMENT (EINVAL) if `other` is NULL, or MALLOW_NO_ROOM (ERANGE) if a secret is
 * smaller than `bytes`.
 */
bool mallow_secret_equal(const void *p, const void *other, size_t bytes);

/* ---- queries ---- */

enum mallow_secret_state {
    MALLOW_SECRET_CLOSED,
    MALLOW_SECRET_READ_ONLY,
    MALLOW_SECRET_READ_WRITE,
};

enum mallow_secret_memory {
    MALLOW_SECRET_UNMAPPED_IN_KERNEL, /* memfd_secret(2) */
    MALLOW_SECRET_LOCKED,             /* private memory that is locked by mlock(2) */
};

struct mallow_secret_description {
    size_t bytes;                        /* the requested size */
    uint32_t readers, writers;           /* opens for reading, and for writing */
    enum mallow_secret_state state;      /* the state that the opens demand */
    enum mallow_secret_state page_state; /* the actual state, which other secrets in the page can
                                          * widen */
    enum mallow_secret_memory memory;    /* the kind of memory */
    bool has_own_pages;
};

/* Describes a secret. Fails with MALLOW_BAD_ARGUMENT (EINVAL) if `description` is NULL, and with
 * MALLOW_NOT_SECRET (EINVAL) if p is not the start of a secret. */
enum mallow_result mallow_secret_describe(const void *p,
                                          struct mallow_secret_description *description);

struct mallow_secret_amounts {
    uint64_t secrets; /* number of secrets */
    uint64_t bytes;   /* sum of their sizes */
    uint64_t locked;  /* bytes of locked pages, which count for RLIMIT_MEMLOCK */
    uint64_t mapped;  /* bytes of address space, including guard pages and descriptions */
};

/* Returns the memory that all secrets of the process take. Never fails, and leaves errno
 * unchanged. */
struct mallow_secret_amounts mallow_secret_usage(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
