#include "shared/heap.h"

#include <errno.h>
#include <sys/resource.h>

#include "base/failure.h"
#include "base/kernel.h"
#include "base/limits.h"

void heap_attach(struct heap *heap, void *image, uint64_t maximum, uint64_t identity) {
    heap->image = image;
    heap->units_at = buddy_units_at(maximum);
    heap->image_bytes = heap_bytes(heap, maximum);
    heap->tag = identity & ~HEAP_OFFSET_MASK;
    heap->visible.base = (uintptr_t)image - (uintptr_t)heap->tag;
    buddy_view(&heap->buddy, image, maximum);
}

enum mallow_result heap_locate(const struct heap *heap, mallow_shared_handle handle,
                               uint64_t *position) {
    uint64_t offset = (handle ^ heap->tag) - heap->units_at; /* huge if before the units */
    if (offset / IMAGE_UNIT >= buddy_now(&heap->buddy)->units) return MALLOW_FOREIGN_HANDLE;
    *position = offset / IMAGE_UNIT;
    enum mallow_result result = buddy_locate(&heap->buddy, *position);
    return result == MALLOW_OK && offset % IMAGE_UNIT != 0 ? MALLOW_NOT_A_BLOCK : result;
}

uint64_t heap_offset_of_place(const struct heap *heap, const mallow_shared_handle *place) {
    uint64_t offset = (uintptr_t)place - (uintptr_t)heap->image;
    if (offset % sizeof *place != 0) return 0;
    if (offset == offsetof(struct image_header, root)) return offset;
    if (offset >= IMAGE_NAMES_AT && offset < IMAGE_STATES_AT)
        return offset % sizeof(struct image_name) == 0 ? offset : 0;
    if (offset < heap->units_at || offset >= heap->image_bytes) return 0;
    uint64_t position = (offset - heap->units_at) / IMAGE_UNIT;
    if (position >= buddy_now(&heap->buddy)->units) return 0;
    return buddy_start(&heap->buddy, position) == NO_UNIT ? 0 : offset;
}

/* ---- failures ---- */

enum mallow_result heap_fail(const char *function, enum mallow_result result) {
    return failure_set((struct mallow_error){.result = result, .function = function});
}

enum mallow_result heap_fail_image(const char *function,
                                   const struct mallow_shared_finding *finding) {
    return failure_set((struct mallow_error){.result = MALLOW_DAMAGED,
                                             .function = function,
                                             .problem = finding->problem,
                                             .position = finding->position});
}

static enum mallow_result heap_result_of(int error) {
    switch (error) {
    case ENOENT:
        return MALLOW_NOT_FOUND;
    case EEXIST:
        return MALLOW_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
        return MALLOW_DENIED;
    case ENOSPC:
    case EDQUOT:
    case ENFILE:
        return MALLOW_NO_MEMORY;
    case ENOSYS:
    case EOPNOTSUPP:
    case ENODEV:
        return MALLOW_UNSUPPORTED;
    default:
        return MALLOW_SYSTEM_ERROR;
    }
}

/* Returns true if the process has reached its limit of descriptors. */
static bool heap_has_no_descriptor(struct mallow_error *error) {
    if (error->error != EMFILE) return false;
    error->limit = MALLOW_LIMIT_FILES;
    error->wanted = 1;
    if (!kernel_limit(RLIMIT_NOFILE, &error->maximum)) error->maximum = 0;
    error->used = error->maximum;
    return true;
}

enum mallow_result heap_fail_system(const char *function, const char *call, uint64_t bytes) {
    if (errno == ENOMEM || errno == EAGAIN) return limits_fail(function, call, (size_t)bytes);
    struct mallow_error error = {.result = heap_result_of(errno),
                                 .error = errno,
                                 .function = function,
                                 .call = call,
                                 .wanted = bytes};
    if (heap_has_no_descriptor(&error)) error.result = MALLOW_AT_LIMIT;
    return failure_set(error);
}
