/* Checks the size and alignment passed to free_sized or sized delete, and the family of the
 * function that frees, against the block. */
#ifndef MALLOW_SIZED_FREE_H
#define MALLOW_SIZED_FREE_H

#include "heap/request.h"
#include "report/block.h"

/* Reports a size that the plain block at p cannot have. Its requested size is not kept. */
void sized_free_check_plain(void *p, const struct free_request *request);

/* Reports a mismatch. The caller frees the block in any case. */
void sized_free_check(const struct block_info *block, const struct free_request *request);

#endif
