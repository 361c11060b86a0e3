/*
 * mallow export: the figures of profiles in forms that other programs read.
 *
 * A place is an address in the code of a process, with the functions that are inlined there. Places
 * form a tree of stacks. Equal places of several processes and profiles are the same, so figures
 * can be added and subtracted.
 */
#ifndef MALLOW_EXPORT_H
#define MALLOW_EXPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "profiles/profile.h"
#include "stacks/stacks.h"

/* In the order that pprof expects. */
enum export_value {
    EXPORT_ALLOCATED_BLOCKS,
    EXPORT_ALLOCATED_BYTES,
    EXPORT_LIVE_BLOCKS,
    EXPORT_LIVE_BYTES,
    EXPORT_VALUES,
};

/* Names for people and options, such as "live-bytes". */
extern const char *const export_value_names[EXPORT_VALUES];

struct export_place {
    uint64_t address;                 /* of the call's last byte */
    uint32_t mapping;                 /* its index + 1; 0: code without a file */
    uint32_t first_stack, past_stack; /* its functions: from the innermost one to the caller's */
};

struct export_call {
    uint32_t caller; /* its index; 0: none */
    uint32_t place;  /* its index */
    uint32_t stack;  /* in the tree with functions */
};

struct export_process {
    uint32_t pid;
    const char *program;
};

struct export_sample {
    uint32_t call; /* its index; 0: the stack is unknown */
    uint32_t process;
    uint32_t thread; /* its ID; 0: unknown, as for everything that is not live any more */
    const char *thread_name;
    double values[EXPORT_VALUES]; /* can be negative if they are differences */
};

struct export {
    struct stacks *stacks;
    const struct profile_module **mappings;
    size_t mapping_count;
    struct export_place *places;
    size_t place_count;
    struct export_call *calls; /* callers before callees; index 0 is not used */
    size_t call_count;
    struct export_process *processes;
    size_t process_count;
    struct export_sample *samples;
    size_t sample_count;
    uint64_t rate, first_moment, last_moment;
    bool without_threads; /* live blocks are not divided among threads */
    /* Numbers of texts, and pairs of numbers, to indexes + 1. */
    struct texts keys;
    struct index_map mapping_keys, process_keys, addresses, place_keys, call_keys;
    struct index_map stack_keys, sample_keys;
    uint32_t address_count, stack_count;
};

struct export *export_open(void);

/* Adds the figures of the last snapshots, each multiplied by its factor: 1, or -1 to subtract it.
 */
void export_add(struct export *to, struct profile *profile, const double factors[EXPORT_VALUES]);
extern const double export_all[EXPORT_VALUES]; /* the factor 1 for all */

/* Removes the stacks that do not have more live bytes than before. */
void export_keep_growth(struct export *of);

/* Returns a figure as a whole number. */
int64_t export_round(double value);

/* Writes a profile to a stream. `value` is the one that is shown first or, in formats that have
 * only one, the one that is written. */
void export_write_pprof(FILE *to, const struct export *from, enum export_value value);
void export_write_collapsed(FILE *to, const struct export *from, enum export_value value);
void export_write_speedscope(FILE *to, const struct export *from, enum export_value value);

/* Write all figures of the profile, whose stacks have been added. */
void export_write_json(FILE *to, const struct profile *profile, const struct stacks *stacks);
void export_write_csv(FILE *to, const struct profile *profile, const struct stacks *stacks);

/* Stores the frames of a stack, the outermost one first, and returns their number. */
size_t export_stack_frames(const struct stacks *stacks, uint32_t stack,
                           uint32_t frames[static STACK_DEPTH_MAX]);

#endif
