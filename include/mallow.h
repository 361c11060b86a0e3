/*
 * Mallow: what it offers beyond <stdlib.h> and <malloc.h>; see mallow(3).
 *
 * Preloaded or linked, the library replaces malloc and its whole family; nothing here is needed
 * for that. These are the same functions under names of their own, for programs that keep the
 * system's malloc and use Mallow for some of their memory. Blocks of both families are the same
 * while the library replaces malloc.
 *
 * All functions are thread-safe. None is async-signal-safe, but a signal handler that interrupts
 * one of them may exit or jump away with siglongjmp without harm. An invalid pointer ends the
 * process with a message (mallow(7), on_error).
 */
#ifndef MALLOW_H
#define MALLOW_H

#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A block of at least `size` bytes, aligned to 16, content unspecified; malloc(3).
 * size 0: a unique address that must not be accessed. NULL and errno ENOMEM when there is no
 * memory or size exceeds PTRDIFF_MAX. */
void *mallow_malloc(size_t size);

/* The same for `count` times `size` bytes, all zero; malloc(3). ENOMEM when the product
 * overflows. */
void *mallow_calloc(size_t count, size_t size);

/* Resizes a block, moving it if it must; malloc(3). block NULL: mallow_malloc. size 0: frees the
 * block and returns NULL, as glibc does. NULL and ENOMEM when there is no memory: the block is
 * then untouched. */
void *mallow_realloc(void *block, size_t size);

/* The same for `count` times `size` bytes; ENOMEM when the product overflows. */
void *mallow_reallocarray(void *block, size_t count, size_t size);

/* Frees a block, whatever function returned it; malloc(3). NULL: does nothing. Keeps errno. */
void mallow_free(void *block);

/* A block aligned to `align` bytes; memalign(3). An alignment that is no power of two is rounded
 * up to one. NULL and errno EINVAL when that is not possible, ENOMEM when there is no memory. */
void *mallow_memalign(size_t align, size_t size);

/* The same with C11's rule: NULL and errno EINVAL unless align is a power of two. */
void *mallow_aligned_alloc(size_t align, size_t size);

/* The same with POSIX's: stores the block in *result and returns 0; or leaves *result and returns
 * EINVAL, unless align is a power of two and a multiple of sizeof(void *), or ENOMEM. */
int mallow_posix_memalign(void **result, size_t align, size_t size);

/* A block aligned to the page size; pvalloc rounds the size up to pages too; valloc(3). */
void *mallow_valloc(size_t size);
void *mallow_pvalloc(size_t size);

/* Bytes of the block that may be used, at least what was asked for; 0 for NULL;
 * malloc_usable_size(3). */
size_t mallow_usable_size(const void *block);

/* Returns free memory to the kernel but for `pad` bytes; malloc_trim(3). 1 when some was
 * returned, else 0. */
int mallow_trim(size_t pad);

/* Blocks of one size. They lie in slots of that size, and slots side by side in slabs of 64 to
 * 256 KiB; a few lie in slabs of mixed sizes. */
struct mallow_class_stats {
    uint64_t slot_bytes;   /* size of a slot; 0: the class does not exist */
    uint64_t used_slots;   /* the program's */
    uint64_t cached_slots; /* free, in the cache of some thread */
    uint64_t free_slots;   /* free, and handed out before */
    uint64_t fresh_slots;  /* never handed out, or given back to the kernel: without memory */
    uint64_t slabs;        /* of this class alone */
};

#define MALLOW_STATS_CLASSES 96 /* room for them; the last ones are zero */
#define MALLOW_STATS_DOUBLINGS 48

/*
 * Figures of the whole process. Those of one line below hold for every reading, also while other
 * threads allocate:
 *
 *   heap_bytes = slab_bytes + run_bytes + dirty_bytes + clean_bytes
 *   slab_bytes = (live_bytes - run_bytes) + cached_bytes + free_bytes + fresh_bytes + unused_bytes
 *
 * Blocks with a mapping of their own are in the `mapping` figures alone. Bytes of blocks are those
 * that the allocator gave, not those that were asked for.
 */
struct mallow_stats {
    uint64_t page_bytes; /* of a page of the kernel */
    uint64_t heap_bytes; /* what the heap consists of: in use, free, and not yet used */

    uint64_t live_blocks, live_bytes;     /* in use by the program */
    uint64_t cached_blocks, cached_bytes; /* free slots in the caches of threads */
    uint64_t free_blocks, free_bytes;     /* free slots in slabs, handed out before */
    uint64_t fresh_bytes;                 /* slots never handed out, or given back to the kernel */
    uint64_t unused_bytes;                /* of slabs: no slots, at their ends */

    uint64_t slab_bytes;            /* pages of slabs */
    uint64_t mixed_slabs;           /* slabs that hold slots of several sizes */
    uint64_t run_blocks, run_bytes; /* blocks of whole pages: too large for a slot */

    uint64_t dirty_bytes;     /* free pages that were used: resident, can be given back */
    uint64_t clean_bytes;     /* free pages without memory */
    uint64_t free_runs;       /* stretches of free pages of one kind */
    uint64_t top_dirty_bytes; /* dirty pages behind the last page in use */

    /* Blocks with a mapping of their own, and guarded ones; and the most there ever were at once,
     * of both kinds together at most. */
    uint64_t mappings, mapping_bytes;
    uint64_t mappings_highest, mapping_bytes_highest;

    uint64_t metadata_bytes; /* the allocator's own memory, beside heap_bytes */
    uint64_t purged_bytes;   /* given back to the kernel so far; what went twice counts twice */

    uint64_t heaps_with_thread;    /* caches, one a thread that allocates */
    uint64_t heaps_without_thread; /* left by threads that ended, for those to come */

    /* [i]: how many mappings have 2^i to 2^(i+1)-1 bytes. */
    uint64_t mappings_of_doubling[MALLOW_STATS_DOUBLINGS];

    struct mallow_class_stats classes[MALLOW_STATS_CLASSES]; /* [0]: blocks of no bytes */
};

/* Fills the first `size` bytes of *stats, sizeof *stats as the program was compiled; what a newer
 * program knows and this library does not is zero. Returns the bytes that this library knows.
 * Takes about 5 ms for each GiB of small blocks; others wait for a fraction of it. */
size_t mallow_stats(struct mallow_stats *stats, size_t size);

#ifdef __cplusplus
}
#endif

#endif
