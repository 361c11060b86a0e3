/* An open heap: what a process knows about an image. */
#ifndef MALLOW_HEAP_H
#define MALLOW_HEAP_H

#include <stdbool.h>

#include "shared/buddy.h"

#define HEAP_NAME_MAX 255

struct heap {
    struct mallow_shared visible; /* the first member, because the program has its address */
    struct buddy buddy;           /* in the mapping */
    char *image;                  /* the mapping */
    uint64_t image_bytes;         /* of the mapping: of the image at its maximum */
    uint64_t units_at;            /* offset of the units in the image */
    uint64_t tag;                 /* the upper 16 bits of all handles of this heap */
    int fd;
    int directory; /* of a file heap, otherwise -1 */
    bool read_only;
    unsigned wait_ms;
    char name[HEAP_NAME_MAX + 1]; /* of a file heap, in the directory */
};
_Static_assert(offsetof(struct heap, visible) == 0, "the program's pointer leads to the heap");

static inline struct heap *heap_of(const struct mallow_shared *visible) {
    return (struct heap *)(uintptr_t)visible;
}

static inline struct image_header *heap_header(const struct heap *heap) {
    return heap->buddy.header;
}

/* Handles. The upper 16 bits are those of the image's identity, so that handles of other heaps are
 * detected. The other bits are an offset in the image. */
#define HEAP_OFFSET_MASK (((uint64_t)1 << 48) - 1)

static inline mallow_shared_handle heap_handle(const struct heap *heap, uint64_t position) {
    return heap->tag + heap->units_at + position * IMAGE_UNIT;
}

/* Stores the position of the used block that the handle refers to. Returns MALLOW_OK,
 * MALLOW_FOREIGN_HANDLE, MALLOW_NOT_A_BLOCK, MALLOW_ALREADY_FREE or MALLOW_DAMAGED. */
enum mallow_result heap_locate(const struct heap *heap, mallow_shared_handle handle,
                               uint64_t *position);

/* Returns the offset of a handle in the image if the handle is in a used block, is the root, or is
 * in the directory. Otherwise returns 0. */
uint64_t heap_offset_of_place(const struct heap *heap, const mallow_shared_handle *place);

/* Returns the size of the image in bytes if it has `units` units. */
static inline uint64_t heap_bytes(const struct heap *heap, uint64_t units) {
    return heap->units_at + units * IMAGE_UNIT;
}

/* Sets up the members that depend on the mapping, which is at `image`. */
void heap_attach(struct heap *heap, void *image, uint64_t maximum, uint64_t identity);

/* Record a failure of the public function `function`. The second derives the result from errno,
 * which the system call `call` has set, and names the limit that was reached, if any. */
enum mallow_result heap_fail(const char *function, enum mallow_result result);
enum mallow_result heap_fail_system(const char *function, const char *call, uint64_t bytes);

/* Records that the image is damaged, and where. */
enum mallow_result heap_fail_image(const char *function,
                                   const struct mallow_shared_finding *finding);

#endif
