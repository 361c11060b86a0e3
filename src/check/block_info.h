/* Describes the block that an address lies in, for reports, for the bounds of memory functions and
 * for the tools. The address may be any value. Only Mallow's own records are read and, in
 * check=hard, the word at the end of the slot. */
#ifndef MALLOW_BLOCK_INFO_H
#define MALLOW_BLOCK_INFO_H

#include <stdbool.h>

#include "report/block.h"

/* Like block_info_of, but only for guarded and checked blocks, about which more is recorded. */
bool block_info_checked(const void *p, struct block_info *info);

/* Describes the block that p lies in, or whose redzone p lies in. Returns false if there is
 * none. */
bool block_info_of(const void *p, struct block_info *info);

/* Describes the last live block of the slab that p lies in. Returns false if the slab has none. */
bool block_info_last(const void *p, struct block_info *info);

#endif
