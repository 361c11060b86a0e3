/* What is known of the block that an address lies in, or beside: for reports, for the bounds of
 * memory functions and for the tools. From our own records alone: nothing p points to is read. */
#ifndef MALLOW_BLOCK_INFO_H
#define MALLOW_BLOCK_INFO_H

#include <stdbool.h>

#include "report/block.h"

/* The same, of the blocks of special modes alone, of which more is known. */
bool block_info_checked(const void *p, struct block_info *info);

/* The block around p, the redzones at its ends included; false when there is none. */
bool block_info_of(const void *p, struct block_info *info);

/* The last live block of the slab that p lies in; false when none lives. */
bool block_info_last(const void *p, struct block_info *info);

#endif
