/* Opening by the three kinds of names, and closing. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/failure.h"
#include "base/kernel.h"
#include "base/kernel_shared.h"
#include "shared/commit.h"
#include "shared/mutex.h"
#include "shared/opening.h"
#include "shared/seal.h"

static struct opening open_request(enum mallow_shared_how how,
                                   const struct mallow_shared_options *options,
                                   const char *function) {
    struct opening opening = {.function = function, .how = how, .fd = -1, .directory = -1};
    if (options != NULL) opening.options = *options;
    if (opening.options.mode == 0) opening.options.mode = 0600;
    return opening;
}

static int open_flags(enum mallow_shared_how how) {
    bool creates = how == MALLOW_SHARED_CREATE || how == MALLOW_SHARED_OPEN_OR_CREATE;
    return (how == MALLOW_SHARED_READ_ONLY ? O_RDONLY : O_RDWR) | (creates ? O_CREAT : 0);
}

/* Opens the image in `opening->fd`, and closes the descriptor on failure. */
static enum mallow_result open_image(struct opening *opening, struct mallow_shared **visible) {
    struct heap *heap = NULL;
    enum mallow_result result = opening_run(opening, &heap);
    if (heap == NULL)
        kernel_close_file(opening->fd);
    else
        *visible = &heap->visible;
    return result;
}

/* ---- names ---- */

static int open_by_name(const struct opening *opening, const char *name) {
    int flags = open_flags(opening->how);
    return opening->directory < 0
               ? kernel_open_memory(name, flags, opening->options.mode)
               : kernel_open_at(opening->directory, name, flags, opening->options.mode);
}

/* If the file was removed before it was locked, opens the name again. */
static enum mallow_result open_named(struct opening *opening, struct mallow_shared **visible,
                                     const char *name) {
    const char *call = opening->directory < 0 ? "shm_open" : "openat";
    opening->needs_name = true;
    do {
        opening->fd = open_by_name(opening, name);
        if (opening->fd < 0) return heap_fail_system(opening->function, call, 0);
        enum mallow_result result = open_image(opening, visible);
        if (result != MALLOW_OK) return result;
    } while (opening->was_removed);
    return MALLOW_OK;
}

enum mallow_result mallow_shared_open(struct mallow_shared **heap, const char *name,
                                      enum mallow_shared_how how,
                                      const struct mallow_shared_options *options) {
    if (heap == NULL || name == NULL || (unsigned)how > MALLOW_SHARED_READ_ONLY)
        return FAIL(MALLOW_BAD_ARGUMENT);
    struct opening opening = open_request(how, options, __func__);
    return open_named(&opening, heap, name);
}

/* Splits a path. Opens the directory, and stores the name in it. Returns false and sets errno on
 * failure. */
static bool open_directory(const char *path, int *directory, const char **name) {
    const char *slash = strrchr(path, '/');
    char text[4096] = ".";
    *name = slash == NULL ? path : slash + 1;
    size_t length = slash == NULL ? 1 : (size_t)(slash - path) + 1;
    if (length >= sizeof text || strlen(*name) > HEAP_NAME_MAX) {
        errno = ENAMETOOLONG;
        return false;
    }
    if (slash != NULL) memcpy(text, path, length);
    *directory = kernel_open_at(AT_FDCWD, text, O_PATH | O_DIRECTORY, 0);
    return *directory >= 0;
}

enum mallow_result mallow_shared_open_file(struct mallow_shared **heap, const char *path,
                                           enum mallow_shared_how how,
                                           const struct mallow_shared_options *options) {
    if (heap == NULL || path == NULL || *path == '\0' || (unsigned)how > MALLOW_SHARED_READ_ONLY)
        return FAIL(MALLOW_BAD_ARGUMENT);
    struct opening opening = open_request(how, options, __func__);
    if (!open_directory(path, &opening.directory, &opening.name))
        return heap_fail_system(__func__, "openat", 0);
    enum mallow_result result = open_named(&opening, heap, opening.name);
    if (result != MALLOW_OK) kernel_close_file(opening.directory);
    return result;
}

enum mallow_result mallow_shared_open_fd(struct mallow_shared **heap, int fd,
                                         enum mallow_shared_how how,
                                         const struct mallow_shared_options *options) {
    if (heap == NULL || fd < 0 || (unsigned)how > MALLOW_SHARED_READ_ONLY)
        return FAIL(MALLOW_BAD_ARGUMENT);
    struct opening opening = open_request(how, options, __func__);
    opening.fd = kernel_open_again(fd, how == MALLOW_SHARED_READ_ONLY);
    if (opening.fd < 0) return heap_fail_system(__func__, "openat", 0);
    return open_image(&opening, heap);
}

enum mallow_result mallow_shared_memfd(struct mallow_shared **heap,
                                       const struct mallow_shared_options *options) {
    if (heap == NULL) return FAIL(MALLOW_BAD_ARGUMENT);
    struct opening opening = open_request(MALLOW_SHARED_CREATE, options, __func__);
    opening.fd = kernel_open_memfd("mallow shared");
    if (opening.fd < 0) return heap_fail_system(__func__, "memfd_create", 0);
    return open_image(&opening, heap);
}

int mallow_shared_fd(const struct mallow_shared *heap) {
    return heap == NULL ? -1 : heap_of(heap)->fd;
}

/* ---- removal ---- */

enum mallow_result mallow_shared_unlink(const char *name) {
    if (name == NULL) return FAIL(MALLOW_BAD_ARGUMENT);
    return kernel_unlink_memory(name) ? MALLOW_OK : heap_fail_system(__func__, "shm_unlink", 0);
}

enum mallow_result mallow_shared_unlink_file(const char *path) {
    if (path == NULL || *path == '\0') return FAIL(MALLOW_BAD_ARGUMENT);
    int directory, error = errno;
    const char *name;
    if (!open_directory(path, &directory, &name)) return heap_fail_system(__func__, "openat", 0);
    enum mallow_result result = MALLOW_OK;
    if (!kernel_unlink_at(directory, name) || !commit_remove_in(directory, name))
        result = heap_fail_system(__func__, "unlinkat", 0);
    else
        errno = error;
    kernel_close_file(directory);
    return result;
}

/* ---- closing ---- */

/* Exchanges the descriptor and the mapping for new ones, so that the old file description ends if
 * no child of fork(2) shares it. Returns false if that fails. */
static bool open_renew(struct heap *heap, int fd) {
    void *image = kernel_map_shared(fd, (size_t)heap->image_bytes, false);
    if (image == NULL) return false;
    kernel_unmap(heap->image, (size_t)heap->image_bytes);
    kernel_close_file(heap->fd);
    heap->fd = fd;
    const struct image_header *header = image;
    heap_attach(heap, image, header->maximum, header->identity);
    return true;
}

/* Seals the image if no other process has it open. The check uses a new file description, because a
 * child of fork(2) shares the locks of the old one. Returns false and sets errno if the data could
 * not be stored. */
static bool open_seal_if_last(struct heap *heap) {
    int fd = kernel_open_again(heap->fd, false);
    if (fd < 0) return true;
    bool is_locked = opening_lock(fd, KERNEL_BYTE_EXCLUSIVE, heap->wait_ms);
    if (!is_locked || !open_renew(heap, fd)) {
        kernel_close_file(fd);
        return true;
    }
    bool is_last = kernel_lock_byte(fd, USER_LOCK, KERNEL_BYTE_EXCLUSIVE, false);
    if (!is_last || heap_header(heap)->damaged != 0 || !buddy_repair(&heap->buddy)) return true;
    return seal_close(heap);
}

enum mallow_result mallow_shared_close(struct mallow_shared *visible) {
    if (visible == NULL) return MALLOW_OK;
    struct heap *heap = heap_of(visible);
    int error = errno;
    bool is_stored = heap->read_only || open_seal_if_last(heap);
    if (is_stored) errno = error;
    kernel_close_file(heap->fd);
    kernel_close_file(heap->directory);
    opening_undo(heap);
    return is_stored ? MALLOW_OK : heap_fail_system(__func__, "fsync", 0);
}
