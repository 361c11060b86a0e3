/* Committed copies of file heaps. */
#ifndef MALLOW_COMMIT_H
#define MALLOW_COMMIT_H

#include "shared/heap.h"

/* Restores the image from its committed copy. *header is the header that the image has now. Does
 * nothing if there is no copy. Returns MALLOW_OK or the failure that it recorded: MALLOW_DENIED if
 * the heap is to be opened for reading only. */
enum mallow_result commit_restore(const struct heap *heap, const struct image_header *header,
                                  const char *function);

/* Removes the committed copy of a former image. */
void commit_remove(const struct heap *heap);

/* Removes the copy of the file `name` in a directory. Returns false and sets errno on failure. */
bool commit_remove_in(int directory, const char *name);

#endif
