/*
 * Shared heaps: memory that unrelated processes allocate from and share.
 *
 *     struct mallow_shared *heap;
 *     struct mallow_shared_options options = {.size = 1 << 20, .maximum = 1 << 30};
 *     mallow_shared_open(&heap, "/numbers", MALLOW_SHARED_OPEN_OR_CREATE, &options);
 *     mallow_shared_find_or_alloc(heap, "counter", sizeof(long), &counter.handle, NULL);
 *     ++*MALLOW_SHARED_GET(heap, counter);
 *     mallow_shared_close(heap);
 *
 * The memory of a heap is its image, which is POSIX shared memory, a memfd or a file. Each process
 * maps the image at a different address. Blocks therefore refer to each other by handles, which
 * have the same meaning in every process. Handles to objects of different types have different C
 * types.
 *
 * A process can be killed at any instruction of any function: the next process repairs the heap and
 * uses it, and the kernel wakes a process that waits for the lock. A block is lost only if its
 * owner is killed between the allocation and the store of the handle. mallow_shared_alloc_into,
 * mallow_shared_free_from, mallow_shared_resize_in and mallow_shared_move allocate, free or move
 * and store handles in one step, so that a program that uses them loses nothing.
 *
 * Unless a function says otherwise, it
 * - returns MALLOW_OK, or returns an error, sets errno and changes nothing;
 * - returns MALLOW_BAD_ARGUMENT (EINVAL) if a pointer is NULL;
 * - returns MALLOW_DENIED (EROFS) if it changes the heap and the heap is open for reading only;
 * - returns MALLOW_DAMAGED (EUCLEAN) if the heap's own data was overwritten;
 * - returns MALLOW_BUSY (ETIMEDOUT) if another process holds the lock of the heap for longer than
 *   `wait_ms`, for example because it is stopped, and MALLOW_BUSY (EDEADLK) if the calling thread
 *   is already inside a function, because a signal handler made the call;
 * - is thread-safe, but not async-signal-safe. Several threads may use one heap object. Only
 *   mallow_shared_close requires that no other thread uses the object any more.
 *
 * A heap that is open for reading only takes no lock. While other processes change it,
 * mallow_shared_measure and mallow_shared_check try again until nothing changes during the call,
 * and return MALLOW_BUSY (EAGAIN) after many tries. Other functions may see a change that is only
 * partly made.
 *
 * Other programs must not truncate the file of an open heap: an access to the missing part raises
 * SIGBUS.
 *
 * After fork(2), the child may use and close the heap objects of its parent, and counts as a
 * process that has the heap open. After execve(2), it has to open them again.
 */
#ifndef MALLOW_SHARED_H
#define MALLOW_SHARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mallow/result.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* An open heap. Only the inline functions use the member. */
struct mallow_shared {
    uintptr_t base; /* base + handle is the address of a block */
};

/* ---- opening and closing ---- */

/* How to open an image. A new image is complete, or does not exist: if a process is killed while it
 * creates an image, the next one creates it again. */
enum mallow_shared_how {
    MALLOW_SHARED_OPEN,           /* opens it, or fails with MALLOW_NOT_FOUND (ENOENT) */
    MALLOW_SHARED_CREATE,         /* creates it, or fails with MALLOW_EXISTS (EEXIST) */
    MALLOW_SHARED_OPEN_OR_CREATE, /* opens it, or creates it if there is none */
    MALLOW_SHARED_READ_ONLY,      /* like MALLOW_SHARED_OPEN; the memory is then read-only */
};

/* Options, each of which may be 0. The first three matter only if the call creates the image. */
struct mallow_shared_options {
    uint64_t size;    /* initial number of bytes for blocks; rounded up to a multiple of 64 KiB */
    uint64_t maximum; /* largest number of bytes for blocks, at least `size`. It takes address space
                       * in each process, but memory only when the heap grows */
    unsigned mode;    /* permissions of the file, less the umask; 0 means 0600 */
    unsigned wait_ms; /* how long this process waits for the lock of the heap; 0: without limit */
};

/*
 * Open a heap and store the object in *heap:
 * mallow_shared_open       in POSIX shared memory, by a name such as "/name" (shm_open(3))
 * mallow_shared_open_file  in a file (open(2)); survives a restart of the system
 * mallow_shared_open_fd    in the file of a descriptor, such as one that another process sent; the
 *                          descriptor stays open. The process must be permitted to open the file,
 *                          and /proc must be mounted. An empty file counts as no image
 * mallow_shared_memfd      in a new memfd (memfd_create(2)), which a process can open only if it
 *                          receives the descriptor (mallow_shared_fd)
 *
 * `options` may be NULL. The first process that opens an image verifies it: completely, with a
 * checksum of all bytes, if it was closed or committed; otherwise all data of the heap itself. It
 * completes or undoes the operation of a process that was killed. If the system went down while a
 * file heap was open, the heap has the content of the last mallow_shared_commit, if there was one.
 *
 * Errors: MALLOW_NOT_FOUND, MALLOW_EXISTS, MALLOW_DENIED (EACCES: permissions; for
 * MALLOW_SHARED_READ_ONLY also EROFS: the image needs a repair), MALLOW_DAMAGED (EUCLEAN: the image
 * is truncated or was changed; mallow_error_text() says what and where), MALLOW_FOREIGN_IMAGE
 * (ENOEXEC: another kind of file, byte order, word size or libc), MALLOW_NEWER_IMAGE (EPROTO: a
 * later version of this library made it), MALLOW_TOO_LARGE (EOVERFLOW: more than 128 TiB),
 * MALLOW_AT_LIMIT and MALLOW_NO_MEMORY (ENOMEM, ENOSPC, EFBIG), MALLOW_UNSUPPORTED (the file system
 * has no locks or shared mappings, or a process of another PID namespace has the heap open) and
 * MALLOW_SYSTEM_ERROR.
 */
enum mallow_result mallow_shared_open(struct mallow_shared **heap, const char *name,
                                      enum mallow_shared_how how,
                                      const struct mallow_shared_options *options);
enum mallow_result mallow_shared_open_file(struct mallow_shared **heap, const char *path,
                                           enum mallow_shared_how how,
                                           const struct mallow_shared_options *options);
enum mallow_result mallow_shared_open_fd(struct mallow_shared **heap, int fd,
                                         enum mallow_shared_how how,
                                         const struct mallow_shared_options *options);
enum mallow_result mallow_shared_memfd(struct mallow_shared **heap,
                                       const struct mallow_shared_options *options);

/* Closes the heap. All addresses in it become invalid. The last process to close the heap seals the
 * image: it stores a checksum of all bytes, after it has written the data of a file heap to the
 * device (fsync(2)). A process may also exit without closing the heap; the next process then
 * verifies only the heap's own data. Does nothing if heap is NULL. The heap is closed even if the
 * function fails: MALLOW_SYSTEM_ERROR if the data could not be stored. */
enum mallow_result mallow_shared_close(struct mallow_shared *heap);

/* Remove the name of a heap (shm_unlink(3)), or its file and the copy that mallow_shared_commit
 * made (unlink(2)). Processes that have it open can continue to use it. Return MALLOW_NOT_FOUND if
 * there is none, MALLOW_DENIED or MALLOW_SYSTEM_ERROR. */
enum mallow_result mallow_shared_unlink(const char *name);
enum mallow_result mallow_shared_unlink_file(const char *path);

/* Returns the descriptor of the image, or -1 if heap is NULL. The heap closes the descriptor. The
 * program can send it to other processes (unix(7)), which open it with mallow_shared_open_fd. While
 * a copy of the descriptor is open, the image counts as open. */
int mallow_shared_fd(const struct mallow_shared *heap);

/* ---- handles ---- */

/* The position of a block. It is valid in all processes, and in copies of the image. 0 refers to
 * nothing. */
typedef uint64_t mallow_shared_handle;

/* The type of a handle that refers to an object of the given type. It has one public member,
 * `handle`:
 *     typedef MALLOW_SHARED_HANDLE(struct node) node_handle;
 *     struct node { node_handle next; }; */
#define MALLOW_SHARED_HANDLE(its_type) \
    union {                            \
        mallow_shared_handle handle;   \
        its_type *only_for_its_type;   \
    }

/* Returns the address that a handle refers to, or NULL if it is 0. Does not check anything else.
 * Async-signal-safe. */
static inline void *mallow_shared_at(const struct mallow_shared *heap,
                                     mallow_shared_handle handle) {
    return handle == 0 ? NULL : (void *)(heap->base + (uintptr_t)handle);
}

/* Returns the address that a handle refers to if this is the start of a block of at least `size`
 * bytes, and NULL otherwise: MALLOW_NOT_FOUND for the handle 0 (this leaves errno unchanged),
 * MALLOW_NO_ROOM (ERANGE) for a smaller block, and the errors of mallow_shared_free. Takes no lock.
 * Async-signal-safe. */
void *mallow_shared_at_checked(const struct mallow_shared *heap, mallow_shared_handle handle,
                               size_t size);

/* Returns the address of a typed handle's object, with the right type. Checks the handle like
 * mallow_shared_at_checked, unless NDEBUG is defined. */
#ifdef NDEBUG
#    define MALLOW_SHARED_GET(heap, typed) \
        ((__typeof__((typed).only_for_its_type))mallow_shared_at((heap), (typed).handle))
#else
#    define MALLOW_SHARED_GET(heap, typed)                                \
        ((__typeof__((typed).only_for_its_type))mallow_shared_at_checked( \
            (heap), (typed).handle, sizeof *(typed).only_for_its_type))
#endif

/* Allocates a block for an object of the typed handle's type, and sets the handle. */
#define MALLOW_SHARED_NEW(heap, typed) \
    mallow_shared_alloc((heap), sizeof *(typed)->only_for_its_type, &(typed)->handle)

/* Returns the handle of an address in a block, or 0 if the address is outside the heap or NULL.
 * Takes no lock. Async-signal-safe. */
mallow_shared_handle mallow_shared_handle_of(const struct mallow_shared *heap, const void *address);

/* ---- blocks ---- */

/* Allocates a block of `size` bytes, and stores its handle. The block takes the size rounded up to
 * a power of two, at least 16 bytes. It is aligned to this power of two, but to at most 4096 bytes.
 * Its content is unspecified. A size of 0 is allowed. The heap grows if needed. Errors:
 * MALLOW_NO_MEMORY (ENOMEM: no free block is large enough and the heap has its maximum; ENOSPC: the
 * file system is full), MALLOW_AT_LIMIT (RLIMIT_FSIZE), MALLOW_TOO_LARGE. */
enum mallow_result mallow_shared_alloc(struct mallow_shared *heap, size_t size,
                                       mallow_shared_handle *handle);

/* Allocates a block that reads as zero. */
enum mallow_result mallow_shared_zalloc(struct mallow_shared *heap, size_t size,
                                        mallow_shared_handle *handle);

/* Frees a block. Does nothing if the handle is 0. Errors: MALLOW_ALREADY_FREE (EINVAL: nothing is
 * allocated there, as after a double free), MALLOW_NOT_A_BLOCK (EINVAL: the handle refers to the
 * inside of a block), MALLOW_FOREIGN_HANDLE (EINVAL: the handle does not belong to this heap; the
 * check misses one in 65,536 handles of other heaps). */
enum mallow_result mallow_shared_free(struct mallow_shared *heap, mallow_shared_handle handle);

/* Resizes a block, in place if possible. Otherwise copies its bytes to a new block, frees the old
 * one, and stores the new handle. If *handle is 0, allocates a block. Errors: those of
 * mallow_shared_alloc and mallow_shared_free; the block is then unchanged. */
enum mallow_result mallow_shared_resize(struct mallow_shared *heap, mallow_shared_handle *handle,
                                        size_t size);

/* Stores the size that was requested for a block, in bytes. Errors: those of mallow_shared_free. */
enum mallow_result mallow_shared_size(struct mallow_shared *heap, mallow_shared_handle handle,
                                      size_t *size);

/*
 * The following functions change the heap and the handle in one step: if the process is killed,
 * both have changed or neither has. The handle must be part of a block of the heap, or be the root
 * (mallow_shared_root). Otherwise they return MALLOW_BAD_ARGUMENT. The handle must be aligned to 8
 * bytes.
 */

/* Allocates a block that reads as zero, and stores its handle in *place. Returns MALLOW_EXISTS
 * (EEXIST) if *place is not 0. Thus only one of several processes creates an object. */
enum mallow_result mallow_shared_alloc_into(struct mallow_shared *heap, mallow_shared_handle *place,
                                            size_t size);

/* Frees the block that *place refers to, and sets *place to 0. */
enum mallow_result mallow_shared_free_from(struct mallow_shared *heap, mallow_shared_handle *place);

/* Resizes the block that *place refers to, and stores its new handle there. */
enum mallow_result mallow_shared_resize_in(struct mallow_shared *heap, mallow_shared_handle *place,
                                           size_t size);

/* Stores the handle of *from in *to, and sets *from to `then`. If `then` is 0, this moves a block
 * from one owner to another. If `then` is the handle of the next block of a list, this unlinks the
 * first block. Returns MALLOW_EXISTS if *to is not 0. */
enum mallow_result mallow_shared_move(struct mallow_shared *heap, mallow_shared_handle *from,
                                      mallow_shared_handle *to, mallow_shared_handle then);

/* ---- root and names ---- */

/* Returns the address of the root, a handle that is 0 in a new heap. The program may read and set
 * it in place. Returns NULL if heap is NULL. Async-signal-safe. */
mallow_shared_handle *mallow_shared_root(struct mallow_shared *heap);

/* Sizes of the directory. */
#define MALLOW_SHARED_NAMES 128     /* largest number of names */
#define MALLOW_SHARED_NAME_BYTES 56 /* largest size of a name, including its null byte */

/* Gives a block a name. If another block has the name, it loses it. Errors: MALLOW_NO_ROOM (ERANGE:
 * the name is too long, or the directory is full), MALLOW_BAD_ARGUMENT for an empty name, and those
 * of mallow_shared_free. */
enum mallow_result mallow_shared_set_name(struct mallow_shared *heap, const char *name,
                                          mallow_shared_handle handle);

/* Stores the handle of the block with the name. Returns MALLOW_NOT_FOUND (ENOENT) if there is none;
 * this leaves errno unchanged. */
enum mallow_result mallow_shared_find(struct mallow_shared *heap, const char *name,
                                      mallow_shared_handle *handle);

/* Finds the block with the name, or allocates one that reads as zero and has the name, in one step.
 * Sets *created, if `created` is not NULL. Errors: those of mallow_shared_alloc and
 * mallow_shared_set_name, and MALLOW_NO_ROOM if the block exists and is smaller than `size`. */
enum mallow_result mallow_shared_find_or_alloc(struct mallow_shared *heap, const char *name,
                                               size_t size, mallow_shared_handle *handle,
                                               bool *created);

/* Removes a name. The block stays. Returns MALLOW_NOT_FOUND if there is none; this leaves errno
 * unchanged. */
enum mallow_result mallow_shared_remove_name(struct mallow_shared *heap, const char *name);

/* Stores the next name and its handle. *cursor is 0 at first. Returns MALLOW_NOT_FOUND at the end;
 * this leaves errno unchanged. Names that are set or removed between the calls may be missed. */
enum mallow_result mallow_shared_next_name(struct mallow_shared *heap, unsigned *cursor,
                                           char name[MALLOW_SHARED_NAME_BYTES],
                                           mallow_shared_handle *handle);

/* ---- the heap as a whole ---- */

#define MALLOW_SHARED_ORDERS 44

/* All amounts are bytes. `used` - `requested` is the internal fragmentation, and `free` -
 * `largest_free` the external fragmentation. */
struct mallow_shared_statistics {
    uint64_t size;      /* bytes for blocks, used and free */
    uint64_t maximum;   /* the largest possible `size` */
    uint64_t blocks;    /* number of blocks in use */
    uint64_t used;      /* sum of the sizes of these blocks, which are powers of two */
    uint64_t requested; /* sum of the sizes that were requested for them */
    uint64_t free;
    uint64_t largest_free;                      /* size of the largest free block */
    uint64_t free_blocks[MALLOW_SHARED_ORDERS]; /* number of free blocks of 16 << n bytes */
    uint64_t repairs; /* how many calls of killed processes were completed or undone since the heap
                       * was created */
};
enum mallow_result mallow_shared_measure(struct mallow_shared *heap,
                                         struct mallow_shared_statistics *statistics);

/* Grows the heap to at least `size` bytes for blocks; does nothing if it has them. Errors:
 * MALLOW_NO_ROOM (ERANGE: `size` is more than the maximum), and those of mallow_shared_alloc. */
enum mallow_result mallow_shared_grow(struct mallow_shared *heap, uint64_t size);

struct mallow_shared_finding {
    const char *problem; /* such as "a block inside a block", or NULL if there is none */
    uint64_t position;   /* bytes from the start of the image */
};

/* Checks all data of the heap itself, and stores the first problem, if `finding` is not NULL.
 * Returns MALLOW_OK if there is none, and MALLOW_DAMAGED otherwise. Other processes wait during the
 * check, which takes about a second for 100 million blocks. */
enum mallow_result mallow_shared_check(struct mallow_shared *heap,
                                       struct mallow_shared_finding *finding);

/* Makes a durable copy of a file heap in PATH.commit, which replaces the previous copy in one step.
 * If the system goes down before the heap is closed, the heap has this content when it is opened
 * again. During the copy, calls of other processes wait, but stores to blocks do not: the program
 * must make sure that its data is consistent. The copy is a complete image. Errors:
 * MALLOW_UNSUPPORTED if the heap was not opened by mallow_shared_open_file, MALLOW_NO_MEMORY
 * (ENOSPC), MALLOW_DENIED (EACCES), MALLOW_SYSTEM_ERROR. The previous copy is then unchanged. */
enum mallow_result mallow_shared_commit(struct mallow_shared *heap);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
