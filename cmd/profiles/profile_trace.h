/*
 * Traces as profiles: what a trace (mallow/trace.h) says of the allocations, in the form in which
 * the subcommands read profiles. A trace has every block, so the figures are exact: a sample of
 * each block, and snapshots at regular times.
 */
#ifndef MALLOW_PROFILE_TRACE_H
#define MALLOW_PROFILE_TRACE_H

#include <mallow/trace.h>

#include "profiles/profile.h"
#include "profiles/profile_encode.h"

/* Returns true if the file begins as a trace does. */
bool profile_is_trace(const char *path);

/* Adds a section for each program in the trace. Returns NULL, or the reason why the file is no
 * trace, as the rest of a sentence. */
const char *profile_add_trace(struct profile *profile, const char *path);

/* ---- for its own files ---- */

/* A program of the trace, up to the event that was read last. */
struct profile_traced {
    bool has_begun, has_ended;
    bool has_no_thread; /* the first thread has ended, and with it the program */
    uint32_t number;    /* of the process in the trace */
    uint64_t started;   /* nanoseconds since the start of the trace */
    uint64_t resident, live_blocks, live_bytes;
    uint32_t *site_numbers; /* of the trace's frames: an index + 1 */
    struct mallow_profile_site *sites;
    bool *is_changed; /* of each site, since the last snapshot */
    uint32_t *changed;
    size_t site_count, changed_count;
    bool *has_frame, *has_module; /* those that are written */
    struct profile_encoder to;
};

struct profile_trace {
    struct mallow_trace *trace;
    struct profile_traced *programs; /* the process with number 1 has index 0 */
    size_t count;
    bool has_times;
};

/* Write the beginning of a program's section, and a snapshot at that time. */
void profile_traced_begin(struct profile_trace *trace, struct profile_traced *program);
void profile_traced_snapshot(const struct profile_trace *trace, struct profile_traced *program,
                             uint64_t time, enum mallow_profile_reason reason);

/* Gives the nodes of a section the names that the trace has (profile_trace_names.c). */
void profile_trace_add_names(const struct mallow_trace *trace, struct profile_section *section);

#endif
