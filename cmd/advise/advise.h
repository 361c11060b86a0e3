/*
 * mallow advise: finds the way to get memory that fits each call site of a trace.
 *
 * advise_read() reads the trace once and counts, for each site, what the rules need. A site is a
 * return address in the first function that does not merely help to allocate. The memory that this
 * takes is proportional to the live blocks, the sites and the frames of stacks.
 *
 * advise_judge() then applies the rules in the order of the questions of docs/choosing.md. A rule
 * gives advice only if the trace has evidence for it.
 */
#ifndef MALLOW_ADVISE_H
#define MALLOW_ADVISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <mallow/trace.h>

#include "trace/trace_stacks.h"

/* ---- what is known of a site ---- */

#define ADVISE_SIZES_MAX 16

#define ADVISE_FREES_MAX 4

/* The sizes that a site requests. */
struct advise_sizes {
    uint64_t min, max;
    uint64_t ones, ones_with_header; /* the bits that all sizes have, or all without 8 bytes */
    uint64_t some[ADVISE_SIZES_MAX]; /* different sizes, not all if there are more */
    unsigned different;              /* up to ADVISE_SIZES_MAX */
};

/* Blocks that grow step by step: by realloc, or by a larger block, a copy and a free. A step is
 * counted at the site of the larger block. */
struct advise_growth {
    uint64_t steps;
    uint64_t even_steps;  /* steps by the same number of bytes as the one before */
    uint64_t copied;      /* bytes, as far as the allocator did not move pages */
    uint64_t chains;      /* blocks that have grown at least four times */
    uint64_t first, last; /* sums of their first and last sizes */
    uint64_t longest;     /* steps of one block */
    uint64_t largest;     /* bytes */
    uint64_t overlap;     /* the largest block from which another one was copied */
    uint64_t kept;        /* nanoseconds that the grown blocks lived on in all */
    bool by_realloc;
};

/* Blocks of at least ADVISE_LARGE bytes. */
struct advise_large {
    uint64_t blocks, bytes, touched, longest; /* lifetime in nanoseconds */
    bool has_huge_pages;
};

struct advise_site {
    uint32_t place;                         /* trace_stacks_place() */
    uint32_t stack;                         /* a stack of an allocation, a frame of the trace */
    uint32_t frame;                         /* the frame of the site in it */
    uint32_t free_stacks[ADVISE_FREES_MAX]; /* where blocks were freed, not all if there are more */
    unsigned free_stack_count;
    uint8_t kind;   /* of the last call */
    uint64_t kinds; /* bit by kind: calls of the site */
    uint64_t blocks, bytes;
    struct advise_sizes sizes;
    uint64_t align_max; /* the largest alignment that was requested */
    /* Blocks that lived at the same time: of the site, and of a call of the function. */
    uint64_t live_blocks, live_bytes, peak_blocks, peak_bytes;
    uint64_t call_peak_blocks, call_peak_bytes;
    uint64_t calls; /* how often the last block of a call was freed */
    uint32_t threads;
    /* Blocks that ended. */
    uint64_t freed, freed_in_function, freed_elsewhere, freed_by_another_thread, resized;
    uint64_t freed_in_phases, phases, last_phase;
    uint64_t lifetimes, longest; /* nanoseconds: the sum and the longest */
    uint64_t lost;               /* blocks whose end is not in the trace */
    /* The site with the most blocks in most of the phases, by the algorithm of Boyer and Moore: its
     * index, and the votes for it less those against it. */
    uint32_t phase_leader;
    uint64_t phase_votes;
    struct advise_growth growth;
    struct advise_large large;
    /* System calls of the program on blocks of the site. */
    uint64_t protected, advised, hidden;
};

/* ---- advice ---- */

/* In the order of the questions of docs/choosing.md. */
enum advise_way {
    ADVISE_LEAVE,
    ADVISE_SECRET,
    ADVISE_MAPPING,
    ADVISE_HUGE_PAGES,
    ADVISE_RESERVATION,
    ADVISE_STACK,
    ADVISE_STATIC,
    ADVISE_SCRATCH,
    ADVISE_ARENA,
    ADVISE_GROWTH,
    ADVISE_REALLOCARRAY,
    ADVISE_ALIGNED,
    ADVISE_CALLOC,
    ADVISE_WAYS
};

extern const char *const advise_way_names[ADVISE_WAYS];

struct advise_figure {
    const char *name;
    uint64_t value;
};

#define ADVISE_FIGURES_MAX 8

struct advice {
    size_t site; /* its index */
    enum advise_way way;
    char *what;     /* to do, as a sentence */
    char *evidence; /* as sentences */
    struct advise_figure figures[ADVISE_FIGURES_MAX];
    size_t figure_count;
    double nanoseconds, bytes; /* the estimated gain: time in all, and memory at the peak */
    size_t *others;            /* sites that the advice is about, too */
    size_t other_count;
};

struct advise {
    struct mallow_trace *trace;
    struct trace_stacks *stacks;
    struct advise_site *sites;
    size_t site_count;
    uint64_t duration; /* nanoseconds */
    uint64_t events, peak_bytes;
    bool has_residency;  /* the trace says how much memory was resident */
    bool is_mallow;      /* the allocator of the program, the other one is taken for glibc's */
    struct advice *list; /* the largest gain first */
    size_t count;
};

/* Reads a trace. Ends the command with a message if it cannot be read or has no stacks. */
struct advise *advise_read(const char *path);

/* Gives advice. */
void advise_judge(struct advise *advise);

void advise_free(struct advise *advise);

/* ---- output ---- */

struct advise_settings {
    unsigned long top; /* 0: all */
    bool stacks, json;
};

/* Returns "function (file:line)" of a site. The caller frees it. */
char *advise_title(const struct advise *advise, size_t site);

/* Returns how much of the advice is printed. */
size_t advise_shown(const struct advise *advise, const struct advise_settings *settings);

void advise_print(const struct advise *advise, const struct advise_settings *settings);

/* Prints one object of JSON, which a report can contain. */
void advise_print_json(FILE *to, const struct advise *advise,
                       const struct advise_settings *settings);

#endif
