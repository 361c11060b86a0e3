/* Constants of the memory layout. Files that compute values from them assert those values. */
#ifndef MALLOW_LAYOUT_H
#define MALLOW_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/numbers.h"

#define UNIT 16u /* every block is aligned to this, and every slot size is a multiple of it */

#define GRANULE_SHIFT 16 /* address space is indexed in granules of 64 KiB */
#define GRANULE ((size_t)1 << GRANULE_SHIFT)

/* The page heap counts in pages of 4 KiB, whatever the page size of the kernel is. */
#define RUN_SHIFT 12
#define RUN_PAGE ((size_t)1 << RUN_SHIFT)
#define GRANULE_PAGES ((uint32_t)(GRANULE / RUN_PAGE))

#define SLOT_MAX ((size_t)32 * KIB) /* largest slot of a slab; a larger block is a run of pages */
#define TINY_MAX ((size_t)256)      /* up to this size, each multiple of UNIT has its own class */
#define SMALL_MAX ((size_t)1024)    /* largest size whose class is looked up in a table */
#define SEAL_TAIL 8u                /* bytes at the end of a slot that hold a word (seal.h) */
#define SHARED_MAX ((size_t)1024)   /* largest slot that the shared granules hold */

#endif
