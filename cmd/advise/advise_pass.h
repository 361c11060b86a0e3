/* mallow advise: the state of the pass over a trace. */
#ifndef MALLOW_ADVISE_PASS_H
#define MALLOW_ADVISE_PASS_H

#include "advise/advise.h"
#include "common/index_map.h"
#include "trace_live.h"

#define ADVISE_LARGE (2u << 20) /* bytes: a huge page */

/* The frame of a site and a thread: a call of a function that allocates, or the calls of it that
 * follow each other. */
struct advise_owner {
    uint32_t site;
    uint32_t in_phase; /* blocks that were freed since the thread last allocated */
    uint64_t live_blocks, live_bytes;
};

struct advise_thread {
    uint64_t newest;      /* the address that its last event allocated, or 0 */
    bool has_moved_pages; /* its next event is a realloc that moves pages */
    /* The owners of the blocks that it has freed since it last allocated. */
    uint32_t *freed;
    size_t freed_owners, freed_blocks;
};

/* How a block has grown. */
struct advise_chain {
    uint64_t first, step, steps, even_steps, copied, overlap;
    bool by_realloc;
};

/* A live block of at least ADVISE_LARGE bytes. */
struct advise_large_block {
    uint32_t process, site;
    uint64_t address, size, time, touched;
    uint64_t resident; /* of the process when it was allocated */
    uint64_t larges;   /* bytes in all large blocks until then */
    bool has_huge_pages;
};

struct advise_process {
    uint64_t resident, larges;
};

/* The call site of each innermost frame, so that it is looked up only once. */
struct advise_frame {
    uint32_t site;  /* its index + 1; 0: not looked up */
    uint32_t frame; /* the frame of the site */
};

struct advise_pass {
    struct advise *advise;
    struct trace_live live; /* `event` of a block has its owner and its chain, `stack` the frame */
    struct advise_owner *owners;
    size_t owner_count;
    struct index_map owner_numbers, site_threads, place_sites; /* to indexes + 1 */
    struct advise_thread *threads;                             /* by number */
    size_t thread_count;
    struct advise_process *processes; /* by number */
    size_t process_count;
    struct advise_frame *frames; /* by number */
    size_t frame_count;
    struct index_map in_function; /* pairs of frames: 1: no, 2: yes */
    struct advise_chain *chains;
    size_t chain_count;
    uint32_t *free_chains;
    size_t free_chain_count;
    struct advise_large_block *larges;
    size_t large_count;
    uint64_t phases;   /* that have ended */
    uint64_t searches; /* of blocks for an address inside them */
};

static inline uint32_t advise_block_owner(const struct mallow_trace_block *block) {
    return (uint32_t)block->event;
}

/* The index of the chain + 1, or 0. */
static inline uint32_t advise_block_chain(const struct mallow_trace_block *block) {
    return (uint32_t)(block->event >> 32);
}

static inline struct advise_site *advise_block_site(const struct advise_pass *pass,
                                                    const struct mallow_trace_block *block) {
    return &pass->advise->sites[pass->owners[advise_block_owner(block)].site];
}

struct advise_thread *advise_pass_thread(struct advise_pass *pass, uint32_t number);
struct advise_process *advise_pass_process(struct advise_pass *pass, uint32_t number);

/* Makes an array of `count` zeroed elements longer, so that the index is valid. */
void *advise_pass_reach(void *array, size_t *count, size_t index, size_t size);

/* ---- blocks (advise_blocks.c) ---- */

void advise_allocate(struct advise_pass *pass, const struct mallow_trace_event *event);
void advise_free_block(struct advise_pass *pass, const struct mallow_trace_event *event);

/* Ends the blocks of a process, or of all processes if it is 0. */
void advise_end_blocks(struct advise_pass *pass, uint32_t process, uint64_t time);

/* ---- phases (advise_phases.c): many blocks are freed, and none is allocated meanwhile ---- */

void advise_phase_add(struct advise_pass *pass, const struct mallow_trace_block *block,
                      uint32_t thread);
void advise_phase_end(struct advise_pass *pass, struct advise_thread *thread);

/* ---- growth (advise_growth.c) ---- */

/* Returns the chain of the block that replaces `old`. */
uint32_t advise_growth_resize(struct advise_pass *pass, const struct mallow_trace_block *old,
                              const struct mallow_trace_event *event);

/* Called when the block is freed: the thread's newest block may be a larger copy of it. Returns
 * true if it is, and then has the block's chain. */
bool advise_growth_copy(struct advise_pass *pass, const struct mallow_trace_block *old,
                        uint64_t newest);

/* Adds the chain to the figures of the block's site. */
void advise_growth_end(struct advise_pass *pass, const struct mallow_trace_block *block,
                       uint64_t time);

/* ---- large blocks, and the program's system calls (advise_large.c) ---- */

void advise_large_add(struct advise_pass *pass, const struct mallow_trace_block *block);
void advise_large_end(struct advise_pass *pass, const struct mallow_trace_block *block,
                      uint64_t time);
void advise_resident(struct advise_pass *pass, const struct mallow_trace_event *event);
void advise_system_call(struct advise_pass *pass, const struct mallow_trace_event *event);

#endif
