/* What who frees a block tells of it, beside where it is, compared with what is known. */
#ifndef MALLOW_TOLD_H
#define MALLOW_TOLD_H

#include "check/block_info.h"
#include "heap/ask.h"

/* There was no memory to move a block to that was to shrink: from now on a block may be larger than
 * its owner rightly tells. */
void told_may_be_less(void);

/* Of a block that no mode keeps anything of: whether it can have the size that is told, reported
 * likewise. */
void told_check_plain(void *p, const struct release *how);

/* Reports what does not fit; the block is freed all the same. */
void told_check(const struct block_info *block, const struct release *how);

#endif
