/*
 * Describes a granule of 64 KiB: the slab that it belongs to, and the runs of pages in it.
 */
#ifndef MALLOW_GRANULE_H
#define MALLOW_GRANULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/layout.h"

struct heap;
struct magazine;
struct record;

enum granule_kind {
    GRANULE_RUNS = 0, /* see the run tags of its pages */
    GRANULE_SLAB,
    GRANULE_SHARED, /* slots of mixed sizes, see shared.c */
};

struct slab {
    /* Read by every free; written by the owner when the slab is made, changes hands or retires. */
    _Alignas(CACHE_LINE) struct heap *_Atomic owner;
    uint64_t reciprocal;
    _Atomic uint8_t *state;    /* of the slot at `start` */
    struct magazine *magazine; /* the owner's, of this class */
    uint32_t start;            /* low half of the address of the granule's slot 0: the last slot
                                  that begins at or before the granule */
    uint32_t slot_size;
    uint8_t kind;
    uint8_t size_class;
    uint8_t index; /* of this granule in the slab; the fields below are used in granule 0 only */
    /* True if it is on a list of pending slabs (remote.c), which each remote free checks. It is not
     * reset when the slab retires, because a late thread may still be about to push the slab. */
    _Atomic uint8_t pending;
    uint32_t size_min;  /* smallest size that fits (size_min_for) */
    uint32_t size_span; /* largest size that fits, minus size_min */
    uint32_t state_bytes;
    uint32_t tail; /* bytes at the end of each slot that the program never gets (seal.h) */

    /* The owner's line. */
    _Alignas(CACHE_LINE) struct slab *next; /* in bin.partial while slots are available */
    struct slab *prev;
    uint32_t slots;    /* states 0..slots-1 may be slots; the first few may be NONE */
    uint32_t in_use;   /* slots that are not available in the slab: used, cached, remote */
    uint32_t scan;     /* no available slot below this */
    uint32_t reach;    /* no slot from here on was ever taken */
    uint32_t capacity; /* slots that are not NONE */
    uint32_t window;   /* near the slot that was last taken at random */
    struct record *_Atomic records; /* of checked slots, by slot, or NULL (record.h) */
    bool listed;                    /* in bin.partial */
    uint8_t age;                    /* see slab.h */
    bool wiped;                     /* its free slots are zero (hard.h) */
    struct slab *next_pending;      /* remote.c */
};
_Static_assert(offsetof(struct slab, next) == 64, "the owner's line does not share with readers");
_Static_assert(sizeof(struct slab) == 128, "the fast path finds it by a shift");

enum run_kind {
    RUN_INSIDE = 0, /* not the first page of anything, or never used */
    RUN_FREE,       /* first page of a free run */
    RUN_FREE_END,   /* last page of a free run of two or more pages */
    RUN_LATER,      /* first page of a block that was freed and waits for the lock */
    RUN_BLOCK,      /* first page of a block handed to the program */
    RUN_SLAB,       /* first page of a slab (slab.c, shared.c) */
    RUN_FOREIGN,    /* first page of memory that something else has mapped here */
};

struct run {
    _Atomic uint64_t tag; /* pages | kind << 32 | dirty << 40 */
    uint32_t next, prev;  /* page numbers, in the free list; 0 ends it */
};

/* Returns the descriptor of the i-th granule of a slab; `slab` is that of its first. */
static inline struct slab *slab_part(struct slab *slab, unsigned i) { return slab + i; }
static inline struct slab *slab_head(struct slab *slab) { return slab - slab->index; }

static inline uint32_t tag_pages(uint64_t tag) { return (uint32_t)tag; }
static inline enum run_kind tag_kind(uint64_t tag) { return (enum run_kind)((tag >> 32) & 0xff); }
static inline bool tag_dirty(uint64_t tag) { return (tag >> 40) & 1; }

#endif
