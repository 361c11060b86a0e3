/* What who frees a block tells of it, beside where it is, compared with what is known. */
#ifndef MALLOW_SIZED_FREE_H
#define MALLOW_SIZED_FREE_H

#include "heap/request.h"
#include "report/block.h"

/* Of a block that no mode keeps anything of: whether it can have the size that is told, reported
 * likewise. */
void sized_free_check_plain(void *p, const struct free_request *how);

/* Reports what does not fit; the block is freed all the same. */
void sized_free_check(const struct block_info *block, const struct free_request *how);

#endif
