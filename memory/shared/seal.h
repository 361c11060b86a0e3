/* The seal of an image: a checksum of all of its bytes. */
#ifndef MALLOW_SEAL_H
#define MALLOW_SEAL_H

#include "shared/heap.h"

#define SEAL_BLOCK 4096

/* Calls `visit` for each block of SEAL_BLOCK bytes after the header that is not zero, in order, up
 * to `bytes`. Skips the holes of the file, so that they take no memory. Returns the checksum of the
 * image with this header, or stops and returns 0 if `visit` returns false. `visit` may be NULL. */
uint64_t seal_sum(const struct heap *heap, const struct image_header *header, uint64_t bytes,
                  bool (*visit)(void *context, uint64_t offset, const void *block), void *context);

/* Returns the header of a sealed image with the content of this one, but without the checksum. */
struct image_header seal_header(const struct heap *heap, uint64_t bytes);

/* Seals the image, after storing all data on the device. No process may use the image. Returns
 * false and sets errno if that fails. */
bool seal_close(struct heap *heap);

/* Returns true if the checksum of a sealed image is right. */
bool seal_is_right(const struct heap *heap);

#endif
