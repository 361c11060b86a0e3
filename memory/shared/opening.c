/*
 * Locks of two bytes of the file decide which process may open, repair or close an image. They end
 * with the processes that hold them.
 *
 * A process holds OPENING_LOCK while it opens or closes an image. While it has an image open for
 * writing, it holds USER_LOCK, shared with others. To open an image, it tries to lock USER_LOCK
 * exclusively. If it succeeds, no other process uses the image: it verifies and repairs the image,
 * creates a new mutex, and then shares the lock. If it fails, the image is in use and needs no
 * repair.
 *
 * An image is created in a file that is empty or has IMAGE_MAGIC_NEW. A process that is killed
 * during the creation leaves such a file, and the next process begins again. The store of
 * IMAGE_MAGIC completes the image.
 *
 * The first process removes the seal, by the store of `boot`, before it changes anything else. If
 * the image is on a device, that store gets there before all others.
 */
#include "shared/opening.h"

#include <errno.h>
#include <string.h>

#include "base/failure.h"
#include "base/kernel.h"
#include "shared/boot.h"
#include "shared/check.h"
#include "shared/commit.h"
#include "shared/growth.h"
#include "shared/mutex.h"
#include "shared/seal.h"
#include "shared/store.h"

bool opening_lock(int fd, enum kernel_byte_lock lock, unsigned wait_ms) {
    for (unsigned waited = 0; wait_ms != 0 && waited < wait_ms; waited++) {
        if (kernel_lock_byte(fd, OPENING_LOCK, lock, false)) return true;
        if (errno != EAGAIN) return false;
        kernel_sleep_ms(1);
    }
    return kernel_lock_byte(fd, OPENING_LOCK, lock, wait_ms == 0);
}

static enum mallow_result opening_fail_lock(const struct opening *opening) {
    if (errno == EINVAL || errno == ENOLCK) errno = EOPNOTSUPP;
    if (errno != EAGAIN) return heap_fail_system(opening->function, "fcntl", 0);
    return failure_set((struct mallow_error){
        .result = MALLOW_BUSY, .error = ETIMEDOUT, .function = opening->function});
}

static enum mallow_result opening_fail(const struct opening *opening, const char *problem,
                                       uint64_t position) {
    return heap_fail_image(opening->function, &(struct mallow_shared_finding){problem, position});
}

static enum mallow_result opening_map(const struct opening *opening, struct heap *heap,
                                      uint64_t maximum, uint64_t identity) {
    uint64_t bytes = buddy_units_at(maximum) + maximum * IMAGE_UNIT;
    void *image = bytes <= SIZE_MAX ? kernel_map_shared(heap->fd, (size_t)bytes, heap->read_only)
                                    : (errno = ENOMEM, NULL);
    if (image == NULL) return heap_fail_system(opening->function, "mmap", bytes);
    heap_attach(heap, image, maximum, identity);
    return MALLOW_OK;
}

/* ---- creation ---- */

/* Makes the image usable by this process, and later by others. The next process does it again if
 * this one is killed. */
static enum mallow_result opening_begin_use(const struct opening *opening, struct heap *heap) {
    struct image_header *header = heap_header(heap);
    store_word(&header->boot, boot_now());
    if (!kernel_flush_shared(header, kernel_page()))
        return heap_fail_system(opening->function, "msync", kernel_page());
    store_word(&header->lock_kind, mutex_kind());
    if (!mutex_create(header)) return heap_fail_system(opening->function, "pthread_mutex_init", 0);
    return MALLOW_OK;
}

static uint64_t opening_granules(uint64_t bytes) {
    return (bytes + IMAGE_GRANULE - 1) / IMAGE_GRANULE * (IMAGE_GRANULE / IMAGE_UNIT);
}

static enum mallow_result opening_create(const struct opening *opening, struct heap *heap) {
    const struct mallow_shared_options *options = &opening->options;
    uint64_t size = options->size != 0 ? options->size : IMAGE_GRANULE;
    uint64_t maximum = options->maximum > size ? options->maximum : size;
    if (maximum > IMAGE_UNITS_MAX * IMAGE_UNIT)
        return failure_set((struct mallow_error){
            .result = MALLOW_TOO_LARGE, .function = opening->function, .wanted = maximum});
    struct image_header first = {.magic = IMAGE_MAGIC_NEW,
                                 .version = IMAGE_VERSION,
                                 .identity = kernel_random(),
                                 .maximum = opening_granules(maximum)};
    first.sum = image_header_sum(&first);
    if (!kernel_set_file_size(heap->fd, 0) || !kernel_write_at(heap->fd, &first, sizeof first, 0))
        return heap_fail_system(opening->function, "pwrite", sizeof first);
    enum mallow_result result = opening_map(opening, heap, first.maximum, first.identity);
    if (result == MALLOW_OK) result = growth_to(heap, opening_granules(size), opening->function);
    if (result == MALLOW_OK) result = opening_begin_use(opening, heap);
    if (result == MALLOW_OK) {
        commit_remove(heap);
        store_word(&heap_header(heap)->magic, IMAGE_MAGIC);
        return MALLOW_OK;
    }
    int error = errno;
    kernel_set_file_size(heap->fd, 0);
    errno = error;
    return result;
}

/* ---- verification ---- */

static enum mallow_result opening_read_header(const struct opening *opening,
                                              struct image_header *header) {
    if (!kernel_read_at(opening->fd, header, sizeof *header, 0)) {
        if (errno == 0) return opening_fail(opening, "the file is too short", 0);
        return heap_fail_system(opening->function, "pread", sizeof *header);
    }
    if (header->magic != IMAGE_MAGIC) return heap_fail(opening->function, MALLOW_FOREIGN_IMAGE);
    if (header->sum != image_header_sum(header))
        return opening_fail(opening, "the header was changed", 0);
    if (header->version > IMAGE_VERSION) return heap_fail(opening->function, MALLOW_NEWER_IMAGE);
    if (header->maximum == 0 || header->maximum > IMAGE_UNITS_MAX ||
        header->maximum % (IMAGE_GRANULE / IMAGE_UNIT) != 0)
        return opening_fail(opening, "the header was changed", 0);
    return MALLOW_OK;
}

/* Checks the size before the mapping is read: the image must have all of its pages. */
static enum mallow_result opening_check_size(const struct opening *opening,
                                             const struct image_header *header) {
    struct kernel_file file;
    if (!kernel_describe(opening->fd, &file))
        return heap_fail_system(opening->function, "fstat", 0);
    uint64_t units = header->step[header->commit & 1].units;
    if (units > header->maximum)
        return opening_fail(opening, "the heap is larger than its maximum",
                            offsetof(struct image_header, step));
    uint64_t bytes = buddy_units_at(header->maximum) + units * IMAGE_UNIT;
    if (header->boot == 0 && file.bytes != header->file_bytes)
        return opening_fail(opening, "the file has another size", file.bytes);
    return file.bytes >= bytes ? MALLOW_OK
                               : opening_fail(opening, "the file is too short", file.bytes);
}

static enum mallow_result opening_check(const struct opening *opening, struct heap *heap) {
    struct image_header *header = heap_header(heap);
    struct mallow_shared_finding finding;
    if (header->boot == 0) {
        if (seal_is_right(heap)) return MALLOW_OK;
        if (check_image(&heap->buddy, &finding)) finding.problem = "the checksum is wrong";
        return heap_fail_image(opening->function, &finding);
    }
    bool is_pending = header->commit != (header->commit & 1);
    if (is_pending && heap->read_only)
        return failure_set((struct mallow_error){
            .result = MALLOW_DENIED, .error = EROFS, .function = opening->function});
    if (is_pending && !buddy_repair(&heap->buddy))
        return opening_fail(opening, "a step makes no sense", offsetof(struct image_header, step));
    if (is_pending) store_word(&header->repairs, header->repairs + 1);
    if (!check_image(&heap->buddy, &finding)) return heap_fail_image(opening->function, &finding);
    int error = errno;
    uint64_t beyond = growth_find_beyond(heap);
    if (beyond != 0) return opening_fail(opening, "data of units that do not exist", beyond);
    errno = error;
    return MALLOW_OK;
}

/* Opens an image that no process has open for writing. */
static enum mallow_result opening_first(const struct opening *opening, struct heap *heap,
                                        struct image_header *header) {
    if (header->boot != 0 && !boot_is_valid(header->boot))
        return opening_fail(opening, "the header was changed", offsetof(struct image_header, boot));
    enum mallow_result result = MALLOW_OK;
    if (header->boot != 0 && boot_is_other(header->boot) && heap->directory >= 0) {
        result = commit_restore(heap, header, opening->function);
        if (result == MALLOW_OK) result = opening_read_header(opening, header);
    }
    if (result == MALLOW_OK) result = opening_check_size(opening, header);
    if (result == MALLOW_OK) result = opening_map(opening, heap, header->maximum, header->identity);
    if (result == MALLOW_OK) result = opening_check(opening, heap);
    if (result != MALLOW_OK || heap->read_only) return result;
    if (!growth_reserve(heap)) return heap_fail_system(opening->function, "fallocate", 0);
    result = opening_begin_use(opening, heap);
    store_word(&heap_header(heap)->damaged, 0);
    return result;
}

static enum mallow_result opening_existing(const struct opening *opening, struct heap *heap,
                                           bool is_first) {
    struct image_header header;
    enum mallow_result result = opening_read_header(opening, &header);
    if (result != MALLOW_OK) return result;
    if (is_first) return opening_first(opening, heap, &header);
    uint64_t difference = heap->read_only ? 0 : header.lock_kind ^ mutex_kind();
    if ((uint32_t)difference != 0) return heap_fail(opening->function, MALLOW_FOREIGN_IMAGE);
    if (difference != 0)
        return failure_set(
            (struct mallow_error){.result = MALLOW_UNSUPPORTED,
                                  .function = opening->function,
                                  .problem = "a process of another PID namespace uses the image",
                                  .position = offsetof(struct image_header, lock_kind)});
    return opening_map(opening, heap, header.maximum, header.identity);
}

/* ---- both ---- */

/* Stores true in *exists unless the file is empty or has an image that is not complete. */
static enum mallow_result opening_inspect(struct opening *opening, bool *exists) {
    struct kernel_file file;
    uint64_t magic = 0;
    if (!kernel_describe(opening->fd, &file))
        return heap_fail_system(opening->function, "fstat", 0);
    if (!file.is_regular) return heap_fail(opening->function, MALLOW_FOREIGN_IMAGE);
    opening->was_removed = opening->needs_name && !file.has_name;
    if (file.bytes >= sizeof magic && !kernel_read_at(opening->fd, &magic, sizeof magic, 0))
        return heap_fail_system(opening->function, "pread", sizeof magic);
    *exists = file.bytes != 0 && magic != IMAGE_MAGIC_NEW;
    return MALLOW_OK;
}

static enum mallow_result opening_locked(struct opening *opening, struct heap *heap) {
    bool exists = false;
    enum mallow_result result = opening_inspect(opening, &exists);
    if (result != MALLOW_OK || opening->was_removed) return result;
    bool creates =
        opening->how == MALLOW_SHARED_CREATE || opening->how == MALLOW_SHARED_OPEN_OR_CREATE;
    if (!exists && !creates) return heap_fail(opening->function, MALLOW_NOT_FOUND);
    if (exists && opening->how == MALLOW_SHARED_CREATE)
        return heap_fail(opening->function, MALLOW_EXISTS);
    if (heap->read_only)
        return opening_existing(opening, heap, !kernel_byte_is_locked(heap->fd, USER_LOCK));
    bool is_first = kernel_lock_byte(heap->fd, USER_LOCK, KERNEL_BYTE_EXCLUSIVE, false);
    if (!is_first && (errno != EAGAIN || !exists)) return opening_fail_lock(opening);
    result = exists ? opening_existing(opening, heap, is_first) : opening_create(opening, heap);
    if (result == MALLOW_OK && !kernel_lock_byte(heap->fd, USER_LOCK, KERNEL_BYTE_SHARED, false))
        result = heap_fail_system(opening->function, "fcntl", 0);
    if (result != MALLOW_OK) kernel_lock_byte(heap->fd, USER_LOCK, KERNEL_BYTE_FREE, false);
    return result;
}

void opening_undo(struct heap *heap) {
    int error = errno;
    if (heap->image != NULL) kernel_unmap(heap->image, (size_t)heap->image_bytes);
    kernel_unmap(heap, sizeof *heap);
    errno = error;
}

enum mallow_result opening_run(struct opening *opening, struct heap **result_heap) {
    struct heap *heap = kernel_map(sizeof *heap, "mallow shared");
    if (heap == NULL) return heap_fail_system(opening->function, "mmap", sizeof *heap);
    heap->fd = opening->fd;
    heap->directory = opening->directory;
    heap->read_only = opening->how == MALLOW_SHARED_READ_ONLY;
    heap->wait_ms = opening->options.wait_ms;
    if (opening->name != NULL) strncpy(heap->name, opening->name, HEAP_NAME_MAX);
    enum kernel_byte_lock lock = heap->read_only ? KERNEL_BYTE_SHARED : KERNEL_BYTE_EXCLUSIVE;
    enum mallow_result result = MALLOW_OK;
    if (!opening_lock(heap->fd, lock, heap->wait_ms)) {
        result = opening_fail_lock(opening);
    } else {
        result = opening_locked(opening, heap);
        int error = errno;
        kernel_lock_byte(heap->fd, OPENING_LOCK, KERNEL_BYTE_FREE, false);
        errno = error;
    }
    if (result == MALLOW_OK && !opening->was_removed)
        *result_heap = heap;
    else
        opening_undo(heap);
    return result;
}
