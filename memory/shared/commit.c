/*
 * A committed copy is a sealed image with the same identity, in NAME.commit. It is written to
 * NAME.commit.new, stored on the device, and renamed. There is therefore always a complete copy,
 * the old one or the new one.
 *
 * A power failure can leave any mixture of old and new pages in the image itself. It always leaves
 * the header's magic number and a value of `boot` that belongs to an earlier kernel: opening.c
 * stores them on the device before the heap is used. The restoration therefore writes the header
 * last, after all other blocks are on the device. If the restoration is interrupted, the next
 * process begins it again.
 */
#include "shared/commit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/failure.h"
#include "base/kernel.h"
#include "base/kernel_shared.h"
#include "shared/mutex.h"
#include "shared/seal.h"

struct commit_name {
    char text[HEAP_NAME_MAX + 16];
};

static struct commit_name commit_name(const char *name, const char *suffix) {
    struct commit_name result;
    snprintf(result.text, sizeof result.text, "%s%s", name, suffix);
    return result;
}

/* A process that was killed in a commit leaves an incomplete copy. */
bool commit_remove_in(int directory, const char *name) {
    if (!kernel_unlink_at(directory, commit_name(name, ".commit.new").text) && errno != ENOENT)
        return false;
    return kernel_unlink_at(directory, commit_name(name, ".commit").text) || errno == ENOENT;
}

void commit_remove(const struct heap *heap) {
    int error = errno;
    if (heap->directory >= 0) commit_remove_in(heap->directory, heap->name);
    errno = error;
}

/* ---- writing ---- */

static bool commit_write_block(void *context, uint64_t offset, const void *block) {
    return kernel_write_at(*(int *)context, block, SEAL_BLOCK, offset);
}

/* Returns the system call that failed, or NULL. */
static const char *commit_write(const struct heap *heap, int fd) {
    struct kernel_file file;
    uint64_t bytes = heap_bytes(heap, buddy_now(&heap->buddy)->units);
    struct image_header header = seal_header(heap, bytes);
    if (!kernel_describe(heap->fd, &file)) return "fstat";
    if (!kernel_set_file_mode(fd, file.mode)) return "fchmod";
    if (!kernel_set_file_size(fd, bytes)) return "ftruncate";
    header.seal = seal_sum(heap, &header, bytes, commit_write_block, &fd);
    if (header.seal == 0 || !kernel_write_at(fd, &header, sizeof header, 0)) return "pwrite";
    return kernel_sync_file(fd) ? NULL : "fsync";
}

static const char *commit_rename(const struct heap *heap, const char *from) {
    if (!kernel_rename_at(heap->directory, from, commit_name(heap->name, ".commit").text))
        return "renameat";
    int directory = kernel_open_at(heap->directory, ".", O_RDONLY | O_DIRECTORY, 0);
    if (directory < 0) return "openat";
    bool is_stored = kernel_sync_file(directory);
    kernel_close_file(directory);
    return is_stored ? NULL : "fsync";
}

static enum mallow_result commit_locked(const struct heap *heap, const char *function) {
    struct commit_name name = commit_name(heap->name, ".commit.new");
    int fd = kernel_open_at(heap->directory, name.text, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0) return heap_fail_system(function, "openat", 0);
    const char *failed = commit_write(heap, fd);
    kernel_close_file(fd);
    if (failed == NULL) failed = commit_rename(heap, name.text);
    if (failed == NULL) return MALLOW_OK;
    int error = errno;
    kernel_unlink_at(heap->directory, name.text);
    errno = error;
    return heap_fail_system(function, failed, heap->image_bytes);
}

enum mallow_result mallow_shared_commit(struct mallow_shared *visible) {
    if (visible == NULL) return FAIL(MALLOW_BAD_ARGUMENT);
    struct heap *heap = heap_of(visible);
    if (heap->directory < 0) return FAIL(MALLOW_UNSUPPORTED);
    enum mallow_result result = mutex_enter(heap, __func__);
    if (result != MALLOW_OK) return result;
    result = commit_locked(heap, __func__);
    mutex_leave(heap);
    return result;
}

/* ---- restoring ---- */

/* Maps the copy if it is a complete image of the same identity. The checksum needs a mapping. */
static bool commit_map(struct heap *copy, const struct image_header *header) {
    struct image_header sealed;
    struct kernel_file file;
    if (!kernel_read_at(copy->fd, &sealed, sizeof sealed, 0) || !kernel_describe(copy->fd, &file))
        return false;
    if (memcmp(&sealed, header, offsetof(struct image_header, lock_kind)) != 0) return false;
    if (sealed.boot != 0 || sealed.file_bytes != file.bytes ||
        file.bytes < buddy_units_at(sealed.maximum))
        return false;
    void *image = kernel_map_shared(copy->fd, (size_t)file.bytes, true);
    if (image == NULL) return false;
    heap_attach(copy, image, sealed.maximum, sealed.identity);
    copy->image_bytes = file.bytes;
    return seal_is_right(copy);
}

/* Writes the blocks that differ. */
static bool commit_copy_blocks(int fd, const struct heap *copy) {
    char block[SEAL_BLOCK];
    for (uint64_t at = SEAL_BLOCK; at < copy->image_bytes; at += SEAL_BLOCK) {
        if (!kernel_read_at(fd, block, sizeof block, at)) return false;
        if (memcmp(block, copy->image + at, sizeof block) != 0 &&
            !kernel_write_at(fd, copy->image + at, sizeof block, at))
            return false;
    }
    return true;
}

static bool commit_copy_back(int fd, const struct heap *copy) {
    return kernel_set_file_size(fd, copy->image_bytes) && commit_copy_blocks(fd, copy) &&
           kernel_sync_file(fd) &&
           kernel_write_at(fd, copy->image, sizeof(struct image_header), 0) && kernel_sync_file(fd);
}

enum mallow_result commit_restore(const struct heap *heap, const struct image_header *header,
                                  const char *function) {
    int error = errno;
    struct heap copy = {.directory = -1, .read_only = true};
    copy.fd = kernel_open_at(heap->directory, commit_name(heap->name, ".commit").text, O_RDONLY, 0);
    if (copy.fd < 0 && errno != ENOENT) return heap_fail_system(function, "openat", 0);
    errno = error;
    if (copy.fd < 0) return MALLOW_OK;
    enum mallow_result result = MALLOW_OK;
    if (heap->read_only)
        result = failure_set(
            (struct mallow_error){.result = MALLOW_DENIED, .error = EROFS, .function = function});
    else if (!commit_map(&copy, header))
        result = heap_fail_image(
            function, &(struct mallow_shared_finding){"the committed copy is damaged", 0});
    else if (!commit_copy_back(heap->fd, &copy))
        result = heap_fail_system(function, "pwrite", copy.image_bytes);
    if (copy.image != NULL) kernel_unmap(copy.image, (size_t)copy.image_bytes);
    kernel_close_file(copy.fd);
    return result;
}
