/*
 * Mappings: memory that the kernel provides directly, and files as memory.
 *
 *     struct mallow_map map;
 *     enum mallow_result result =
 *         mallow_map_file("log", 0, MALLOW_MAP_ALL, MALLOW_MAP_READ, &map);
 *     if (result != MALLOW_OK) errx(1, "%s", mallow_error_text(result));
 *     fwrite(map.data, 1, map.bytes, stdout);
 *     mallow_map_end(&map);
 *
 * All lengths and offsets are in bytes and can have any value. The kernel works with whole pages,
 * so some functions affect bytes outside the given range; their comments say so. Memory begins at a
 * multiple of the page size. The address of a byte of a file and its offset in the file differ by a
 * multiple of the page size.
 *
 * Each function returns MALLOW_OK or an error. After an error, errno is set, mallow_last_error()
 * has details, and the mapping is unchanged unless the function says otherwise. Each function
 * returns
 *   - MALLOW_BAD_ARGUMENT (EINVAL, EBADF) for an invalid argument: NULL in place of an object, an
 *     unknown flag, a mapping that has ended, a descriptor that is not open,
 *   - MALLOW_NO_ROOM (ERANGE) for a range that is not inside the mapping,
 *   - MALLOW_AT_LIMIT (ENOMEM, EAGAIN, EMFILE, EFBIG) or MALLOW_NO_MEMORY (ENOMEM) if a limit or
 *     memory is exhausted,
 *   - MALLOW_DENIED (EPERM, EACCES) if the kernel refuses a system call, as seccomp filters do.
 * The functions list only their other errors.
 *
 * All functions are thread-safe and async-signal-safe. Several threads may use one mapping at the
 * same time, but during mallow_map_resize and mallow_map_end no other thread may use it. The child
 * of a fork has all mappings of its parent. It sees later changes by its parent only in shared
 * memory and in mappings with MALLOW_MAP_WRITE.
 */
#ifndef MALLOW_MAP_H
#define MALLOW_MAP_H

#include <stddef.h>
#include <stdint.h>

#include <mallow/result.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct mallow_map {
    void *data;   /* the first byte */
    size_t bytes; /* the length; data[bytes] and later bytes must not be accessed */

    /* The other members are private. */
    unsigned how;
    int descriptor;
    uint64_t device, inode, offset;
    size_t page, lead, file_bytes;
    char name[48];
};

/* Used as a length, means "up to the end of the file or of the mapping". */
#define MALLOW_MAP_ALL SIZE_MAX

/* ---- making and ending mappings ---- */

/* How to map memory or a file. A file needs one of the first three values, combined with others by
 * `|`. */
enum mallow_map_how {
    MALLOW_MAP_READ = 1,    /* the bytes can only be read; changes to the file are visible */
    MALLOW_MAP_WRITE = 2,   /* writes reach the file and all its other users (MAP_SHARED) */
    MALLOW_MAP_PRIVATE = 4, /* writes stay in this process: the kernel copies each page before its
                             * first write (MAP_PRIVATE), and the file never changes */
    MALLOW_MAP_CREATE = 8,  /* with MALLOW_MAP_WRITE: creates the file, with mode 0666 and the
                             * umask, if there is none */
    MALLOW_MAP_SPARSE = 16, /* with MALLOW_MAP_WRITE: see mallow_map_file */

    MALLOW_MAP_HUGE = 32,       /* for memory: huge pages from the reserved pool */
    MALLOW_MAP_SEAL_SIZE = 64,  /* for shared memory: no process can change its length */
    MALLOW_MAP_SEAL_WRITE = 128 /* for shared memory: only this mapping can change the bytes */
};

/*
 * Maps private memory that reads as zero.
 *
 * /proc/PID/maps shows it as [anon:mallow NAME] since Linux 5.17. `name` has at most 40 printable
 * ASCII characters, none of them \ ` $ [ ]. NULL means "map".
 *
 * `how` is 0 or MALLOW_MAP_HUGE. Huge pages come from the pool that vm.nr_hugepages sizes. If the
 * pool has too few, the result is MALLOW_AT_LIMIT with MALLOW_LIMIT_HUGE_PAGES. For transparent
 * huge pages, which need no pool, call mallow_map_advise instead.
 *
 * Errors: MALLOW_TOO_LARGE. System calls: mmap(2), prctl(2) with PR_SET_VMA_ANON_NAME.
 */
enum mallow_result mallow_map_memory(size_t bytes, unsigned how, const char *name,
                                     struct mallow_map *map);

/*
 * Maps memory that reads as zero and that several processes can share. Children of a fork share it.
 * If `descriptor` is not NULL, stores a descriptor of the memory, which the caller can pass to any
 * process and has to close. The receiver maps it with mallow_map_descriptor.
 *
 * The memory is a file without a path (memfd). /proc/PID/maps shows it as /memfd:mallow NAME. For
 * `name`, see mallow_map_memory.
 *
 * `how` is 0 or a combination of
 *   - MALLOW_MAP_HUGE,
 *   - MALLOW_MAP_SEAL_SIZE: no process can truncate the memory, so a reader needs no protection
 *     against this,
 *   - MALLOW_MAP_SEAL_WRITE: other mappings and write(2) cannot change the bytes.
 * With either seal, mallow_map_resize cannot enlarge the memory. Seals cannot be removed, and no
 * further seals can be added. If the memory has no seals, a receiver can add some (F_ADD_SEALS in
 * fcntl(2)).
 *
 * Errors: MALLOW_TOO_LARGE; MALLOW_UNSUPPORTED if the kernel lacks the seal (new in Linux 5.1) or
 * memfd. System calls: memfd_create(2), ftruncate(2), fcntl(2), mmap(2).
 */
enum mallow_result mallow_map_shared(size_t bytes, unsigned how, const char *name,
                                     struct mallow_map *map, int *descriptor);

/*
 * Maps `bytes` bytes of a file, from any offset. MALLOW_MAP_ALL means all bytes from the offset to
 * the end of the file.
 *
 * If the file is shorter than `offset + bytes`,
 *   - MALLOW_MAP_WRITE extends the file with zeros. It reserves the disk space, so that no later
 *     write through the mapping fails because the disk is full. With MALLOW_MAP_SPARSE it reserves
 *     only the block of the last byte: a write to a full disk then raises SIGBUS, and
 *     mallow_map_write returns an error. Holes that the file already has are not filled.
 *   - MALLOW_MAP_READ and MALLOW_MAP_PRIVATE leave the file as it is. The bytes after its end read
 *     as zero, and with MALLOW_MAP_PRIVATE they can be written. If the file grows later, pages that
 *     it did not have before stay separate from it.
 * After the last byte of a file, the rest of its last page reads as zero. Bytes that are written
 * there never reach the file.
 *
 * Devices that can be mapped, such as /dev/zero, are files of unknown length: MALLOW_MAP_ALL is an
 * error for them.
 *
 * If another process truncates the file, an access to the lost pages raises SIGBUS.
 * mallow_map_read, mallow_map_write and mallow_map_try return MALLOW_TRUNCATED instead.
 *
 * The mapping keeps a descriptor of the file, which a successful execve(2) closes. As with any
 * descriptor, closing it releases the process's fcntl(2) locks on the file. A mapping whose
 * descriptor the program has closed cannot be enlarged.
 *
 * Errors: MALLOW_NOT_FOUND; MALLOW_DENIED if the permissions or a seal of the file forbid this
 * access; MALLOW_UNSUPPORTED for a directory, a pipe, or a file system that cannot map files;
 * MALLOW_NO_SPACE if the disk is full or a quota is reached (the file may be longer than before);
 * MALLOW_AT_LIMIT for RLIMIT_FSIZE (without SIGXFSZ) and others; MALLOW_TOO_LARGE;
 * MALLOW_BAD_ARGUMENT for MALLOW_MAP_ALL if the offset is after the end of the file or the length
 * of the file is unknown. System calls: open(2), fstat(2), fallocate(2), mmap(2).
 */
enum mallow_result mallow_map_file(const char *path, uint64_t offset, size_t bytes, unsigned how,
                                   struct mallow_map *map);

/* Works like mallow_map_file, but on a descriptor of the caller, which is duplicated and stays
 * open. For MALLOW_MAP_WRITE it must be open for reading and writing, otherwise for reading.
 * MALLOW_MAP_CREATE is an error. System call: fcntl(2) with F_DUPFD_CLOEXEC. */
enum mallow_result mallow_map_descriptor(int descriptor, uint64_t offset, size_t bytes,
                                         unsigned how, struct mallow_map *map);

/* Unmaps the bytes and sets *map to zero. Bytes that were written to a file reach the disk later,
 * even if the process ends (see mallow_map_flush). Returns MALLOW_OK and does nothing if map is
 * NULL or *map is zero. System call: munmap(2). */
enum mallow_result mallow_map_end(struct mallow_map *map);

/* ---- changing a mapping ---- */

enum mallow_map_place {
    MALLOW_MAP_IN_PLACE, /* the address stays the same */
    MALLOW_MAP_MAY_MOVE, /* map->data changes if there is no room after the mapping */
};

/*
 * Changes the length. MALLOW_MAP_ALL means the current end of the file.
 *
 * A mapping that grows continues with the next bytes of its file, by the rules of mallow_map_file,
 * or with zeros. A mapping with MALLOW_MAP_WRITE and shared memory extend their file. New pages
 * have the access that the mapping had when it was made.
 *
 * A mapping that shrinks leaves its file as it is. Bytes of memory beyond the new length are lost,
 * and so are private changes, except those in the new last page.
 *
 * While the mapping moves, its old and its new addresses both count towards RLIMIT_AS.
 *
 * Errors: MALLOW_NO_ROOM if the mapping cannot grow in place; MALLOW_UNSUPPORTED if the kernel
 * cannot move it (before Linux 5.13, if its pages differ in access or advice); MALLOW_DENIED if
 * memory that shrinks ends in a page that cannot be written; and those of mallow_map_file. System
 * calls: mmap(2), mremap(2), munmap(2), fallocate(2).
 */
enum mallow_result mallow_map_resize(struct mallow_map *map, size_t bytes,
                                     enum mallow_map_place place);

enum mallow_map_flush_until {
    MALLOW_MAP_FLUSH_WAIT,  /* returns when the bytes are on the disk */
    MALLOW_MAP_FLUSH_START, /* only starts to write */
};

/*
 * Writes changed bytes of a MALLOW_MAP_WRITE mapping to the disk. All changes of the pages that
 * contain the range are written. Other processes see changes at once, without this function.
 *
 * Errors: MALLOW_UNSUPPORTED for other kinds of mappings, which have nothing to write;
 * MALLOW_NO_SPACE or MALLOW_SYSTEM_ERROR (EIO) if the disk cannot store the bytes. System calls:
 * msync(2), sync_file_range(2).
 */
enum mallow_result mallow_map_flush(const struct mallow_map *map, size_t offset, size_t bytes,
                                    enum mallow_map_flush_until when);

/* How the program will use a range. Only MALLOW_MAP_DISCARD changes bytes. */
enum mallow_map_advice {
    MALLOW_MAP_NORMAL,      /* undoes MALLOW_MAP_SEQUENTIAL and MALLOW_MAP_RANDOM */
    MALLOW_MAP_SEQUENTIAL,  /* read ahead more of the file */
    MALLOW_MAP_RANDOM,      /* read ahead nothing */
    MALLOW_MAP_WILL_NEED,   /* start to read the file */
    MALLOW_MAP_DO_NOT_NEED, /* the process does not need the bytes soon: pages of files leave the
                             * process, but the bytes stay in the file; for other pages, acts like
                             * MALLOW_MAP_COLD */
    MALLOW_MAP_COLD,        /* evict these pages before others (Linux 5.4) */
    MALLOW_MAP_PAGE_OUT,    /* evict these pages now: private ones to swap, if any (Linux 5.4) */
    MALLOW_MAP_HUGE_PAGES,  /* use transparent huge pages */
    MALLOW_MAP_SMALL_PAGES, /* do not use transparent huge pages */
    MALLOW_MAP_POPULATE,    /* make the pages resident now, so that later reads of a file and writes
                             * to memory cause no page faults (Linux 5.14) */
    MALLOW_MAP_DISCARD,     /* free the pages; afterwards memory reads as zero, and a private
                             * mapping reads as its file */
};

/*
 * Gives the kernel advice about a range. MALLOW_MAP_DO_NOT_NEED, MALLOW_MAP_COLD,
 * MALLOW_MAP_PAGE_OUT and MALLOW_MAP_DISCARD affect only pages whose bytes of the mapping are all
 * inside the range. The others affect all pages that contain a byte of the range.
 *
 * Errors: MALLOW_UNSUPPORTED if the kernel does not know the advice or the mapping cannot follow
 * it, such as MALLOW_MAP_DISCARD for a file that is read or written back; MALLOW_TRUNCATED if
 * MALLOW_MAP_POPULATE finds that the file has become shorter. System call: madvise(2).
 */
enum mallow_result mallow_map_advise(const struct mallow_map *map, size_t offset, size_t bytes,
                                     enum mallow_map_advice advice);

/* Permissions, which can be combined. */
enum mallow_map_access {
    MALLOW_MAP_NO_ACCESS = 0,
    MALLOW_MAP_CAN_READ = 1,
    MALLOW_MAP_CAN_WRITE = 2, /* on most processors, this includes reading */
    MALLOW_MAP_CAN_EXECUTE = 4,
};

/*
 * Changes the access to all pages that contain a byte of the range. Other bytes of these pages are
 * affected too. Any other access raises SIGSEGV. If the function fails, the access to a part of the
 * range may have changed.
 *
 * Errors: MALLOW_DENIED for writing to a MALLOW_MAP_READ mapping of a descriptor that is open only
 * for reading, or for execution on a file system that does not allow it. System call: mprotect(2).
 */
enum mallow_result mallow_map_protect(const struct mallow_map *map, size_t offset, size_t bytes,
                                      unsigned access);

/* ---- observing a mapping ---- */

struct mallow_map_pages {
    size_t page;     /* bytes of a page */
    size_t pages;    /* pages that contain a byte of the range */
    size_t resident; /* those in memory, whose access does not wait for a disk */
};

/*
 * Counts the pages of a range that are in memory. If `bitmap` is not NULL, also stores one bit for
 * each page: page n is bit n % 8 of bitmap[n / 8]; remaining bits of the last byte are 0. `room` is
 * the length of the bitmap in bytes. Pages of a file count when they are in the page cache, even if
 * only other processes use them. For files that the caller neither owns nor may write, Linux
 * reports all pages as resident.
 *
 * Errors: MALLOW_NO_ROOM if the bitmap is too short. System call: mincore(2).
 */
enum mallow_result mallow_map_residency(const struct mallow_map *map, size_t offset, size_t bytes,
                                        struct mallow_map_pages *counts, unsigned char *bitmap,
                                        size_t room);

/* Bytes that the process has mapped, in whole pages. Private pages are mapped only by this process,
 * and shared pages also by others. Dirty pages differ from their file or have no file. */
struct mallow_map_shares {
    uint64_t private_dirty, private_clean, shared_dirty, shared_clean;
    uint64_t swapped; /* bytes in swap */
};

/*
 * Adds up the sharing of all pages that contain a byte of the range, as /proc/self/smaps shows it.
 * Copy-on-write becomes visible: after a fork, all pages of private memory are shared, and each
 * page that is written becomes private.
 *
 * If the range is only a part of what smaps shows as one mapping, the function gives the range
 * another readahead hint for a moment, so that smaps shows it separately. This splits a transparent
 * huge page at the end of the range. The duration grows with the memory that the process has
 * mapped.
 *
 * Errors: MALLOW_UNSUPPORTED if /proc/self/smaps is missing. See proc_pid_smaps(5), madvise(2).
 */
enum mallow_result mallow_map_sharing(const struct mallow_map *map, size_t offset, size_t bytes,
                                      struct mallow_map_shares *sharing);

/* ---- access to files that may shrink ---- */

/*
 * Copy bytes from and to a mapping. They return an error where an ordinary access would end the
 * process with SIGBUS or SIGSEGV:
 *   - MALLOW_TRUNCATED (ENODATA): the file no longer has all of these bytes,
 *   - MALLOW_NO_SPACE (ENOSPC): the disk is full, and the file has a hole here,
 *   - MALLOW_SYSTEM_ERROR (EIO): the disk failed,
 *   - MALLOW_DENIED (EACCES): the mapping does not allow this access.
 * Some of the bytes may have been copied in this case. The buffers must not overlap.
 *
 * Each call makes sure that the library has handlers of SIGSEGV and SIGBUS. They leave all other
 * faults to the handlers that were installed before, or to the default action. If another thread
 * replaces the handlers during the call, faults are not caught. If the program has replaced them by
 * more than seven different handlers, the result is MALLOW_UNSUPPORTED (ENOSPC). mallow_map_resize
 * needs the handlers when memory shrinks. System calls: sigaction(2), fstat(2).
 */
enum mallow_result mallow_map_read(const struct mallow_map *map, size_t offset, void *to,
                                   size_t bytes);
enum mallow_result mallow_map_write(const struct mallow_map *map, size_t offset, const void *from,
                                    size_t bytes);

/*
 * Calls a function that may access the mapping. If an access to the mapping faults, the function is
 * left at once, as by siglongjmp(3), and the result is that of mallow_map_read. The function must
 * hold no lock and no memory that it has to free. The result is also MALLOW_TRUNCATED if the file
 * has become shorter than the mapping when the function returns.
 *
 * Calls may be nested. The function may throw a C++ exception, but must not leave by longjmp(3).
 */
enum mallow_result mallow_map_try(const struct mallow_map *map, void (*function)(void *argument),
                                  void *argument);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
