/*
 * The functions of Mallow beyond <stdlib.h> and <malloc.h>; see mallow(3).
 *
 * When the library is preloaded or linked, it replaces malloc and all related functions; that does
 * not require this header. The functions below do the same under their own names, for programs that
 * keep the system's malloc and use Mallow for some of their memory. While the library replaces
 * malloc, a block of one family can be passed to the functions of the other.
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

/* Allocates at least `size` bytes, aligned to 16, with unspecified content; see malloc(3). If size
 * is 0, returns a unique address that must not be accessed. Returns NULL and sets errno to ENOMEM
 * if there is no memory or size exceeds PTRDIFF_MAX. */
void *mallow_malloc(size_t size);

/* Allocates `count` times `size` bytes, all zero; see calloc(3). Fails with ENOMEM if the product
 * overflows. */
void *mallow_calloc(size_t count, size_t size);

/* Resizes a block and moves it if necessary; see realloc(3). If block is NULL, acts like
 * mallow_malloc. If size is 0, frees the block and returns NULL, as glibc does. Returns NULL and
 * sets errno to ENOMEM if there is no memory; the block is then unchanged. */
void *mallow_realloc(void *block, size_t size);

/* Resizes a block to `count` times `size` bytes. Fails with ENOMEM if the product overflows. */
void *mallow_reallocarray(void *block, size_t count, size_t size);

/* Frees a block, whichever function has allocated it; see free(3). Does nothing if block is NULL.
 * Preserves errno. */
void mallow_free(void *block);

/* Allocates a block aligned to `align` bytes; see memalign(3). Rounds an alignment that is not a
 * power of two up to one. Returns NULL and sets errno to EINVAL if that is not possible, or to
 * ENOMEM if there is no memory. */
void *mallow_memalign(size_t align, size_t size);

/* Acts like mallow_memalign, but fails with EINVAL if align is not a power of two, as C11 says. */
void *mallow_aligned_alloc(size_t align, size_t size);

/* Stores the block in *result and returns 0, as POSIX says. On failure, leaves *result unchanged
 * and returns EINVAL if align is not a power of two and a multiple of sizeof(void *), or ENOMEM if
 * there is no memory. */
int mallow_posix_memalign(void **result, size_t align, size_t size);

/* Allocate a block aligned to the page size; see valloc(3). mallow_pvalloc also rounds the size up
 * to whole pages. */
void *mallow_valloc(size_t size);
void *mallow_pvalloc(size_t size);

/* Returns the number of bytes in the block that may be used, which is at least the requested size,
 * or 0 if block is NULL; see malloc_usable_size(3). */
size_t mallow_usable_size(const void *block);

/* Returns free memory to the kernel, except for `pad` bytes; see malloc_trim(3). Returns 1 if any
 * memory was returned, otherwise 0. */
int mallow_trim(size_t pad);

/* The blocks of one size class. Their slots lie next to each other in slabs of 64 to 256 KiB; a few
 * lie in slabs of mixed sizes. */
struct mallow_class_stats {
    uint64_t slot_bytes;   /* size of a slot; 0 if the class does not exist */
    uint64_t used_slots;   /* in use by the program */
    uint64_t cached_slots; /* free, in the cache of a thread */
    uint64_t free_slots;   /* free, but used before */
    uint64_t fresh_slots;  /* never used, or returned to the kernel: without memory */
    uint64_t slabs;        /* slabs with slots of this class only */
};

/* The resident memory of the slabs of one size class. */
struct mallow_class_pages {
    uint64_t resident_live_bytes; /* slots in use */
    uint64_t pinned_bytes;        /* free, in pages that hold a slot in use */
};

#define MALLOW_STATS_CLASSES 96 /* capacity; the last classes may not exist */
#define MALLOW_STATS_DOUBLINGS 48

/*
 * Figures of the whole process. These equations hold in every result, even while other threads
 * allocate:
 *
 *   heap_bytes = slab_bytes + run_bytes + dirty_bytes + clean_bytes
 *   slab_bytes = (live_bytes - run_bytes) + cached_bytes + free_bytes + fresh_bytes + unused_bytes
 *
 * Blocks with their own mapping count only in the `mapping` figures. Bytes of blocks are usable
 * sizes, not requested sizes.
 */
struct mallow_stats {
    uint64_t page_bytes; /* size of a page of the kernel */
    uint64_t heap_bytes; /* the whole heap: in use, free, and not yet used */

    uint64_t live_blocks, live_bytes;     /* in use by the program */
    uint64_t cached_blocks, cached_bytes; /* free slots in the caches of threads */
    uint64_t free_blocks, free_bytes;     /* free slots in slabs, used before */
    uint64_t fresh_bytes;                 /* slots never used, or returned to the kernel */
    uint64_t unused_bytes;                /* the ends of slabs, which have no slots */

    uint64_t slab_bytes;            /* pages of slabs */
    uint64_t mixed_slabs;           /* slabs with slots of several sizes */
    uint64_t run_blocks, run_bytes; /* blocks of whole pages: too large for a slot */

    uint64_t dirty_bytes;     /* free pages that were used: resident, can be returned */
    uint64_t clean_bytes;     /* free pages without memory */
    uint64_t free_runs;       /* runs of free pages, each all dirty or all clean */
    uint64_t top_dirty_bytes; /* dirty pages after the last page in use */

    /* Blocks with their own mapping, and guarded blocks. The highest figures are upper bounds: the
     * sum of the peaks of both kinds. */
    uint64_t mappings, mapping_bytes;
    uint64_t mappings_highest, mapping_bytes_highest;

    uint64_t metadata_bytes; /* the allocator's own memory, not part of heap_bytes */
    uint64_t purged_bytes;   /* returned to the kernel so far; a page returned twice counts twice */

    uint64_t heaps_with_thread;    /* heaps of threads, one for each thread that allocates */
    uint64_t heaps_without_thread; /* heaps of threads that have ended, for new threads */

    /* [i]: the number of mappings with 2^i to 2^(i+1)-1 bytes. */
    uint64_t mappings_of_doubling[MALLOW_STATS_DOUBLINGS];

    struct mallow_class_stats classes[MALLOW_STATS_CLASSES]; /* [0]: blocks of size 0 */

    /*
     * Resident memory by what it holds, as mincore(2) reports it; 0 where that is refused. Together
     * they are all resident memory of the heap, except for guarded blocks and blocks with their own
     * mapping. A page that holds a free slot of a thread's cache or of a quarantine, and no live
     * block, counts as a whole as cached or held.
     */
    uint64_t resident_live_bytes;   /* live blocks */
    uint64_t resident_cached_bytes; /* in the caches of threads */
    uint64_t resident_held_bytes;   /* freed blocks whose reuse check=full, hard or seal delays */
    uint64_t pinned_bytes;          /* free, but in pages that hold a live block */
    uint64_t trimmable_bytes;       /* free pages, which mallow_trim(0) returns */
    uint64_t surplus_bytes;         /* pages that were never used: parts of huge pages */

    uint64_t guarded_blocks, guarded_bytes; /* part of the `mapping` figures */
    uint64_t resident_guarded_bytes;
    uint64_t resident_mapping_bytes;  /* blocks with their own mapping, without guarded ones */
    uint64_t resident_metadata_bytes; /* the allocator's own memory */

    struct mallow_class_pages class_pages[MALLOW_STATS_CLASSES]; /* [0]: slabs of mixed sizes */
};

/* Fills the first `size` bytes of *stats. Pass sizeof *stats; if the program was compiled for a
 * newer library, the fields that this library does not know become zero. Returns the size of the
 * structure that this library knows. Takes about 20 ms for each GiB of small blocks; other threads
 * wait for a fraction of that time. */
size_t mallow_stats(struct mallow_stats *stats, size_t size);

#ifdef __cplusplus
}
#endif

#endif
