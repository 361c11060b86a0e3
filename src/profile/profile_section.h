/*
 * Writes a section of a profile: a PROCESS block, and snapshots. Each is written from memory that
 * exists already. Only one thread at a time may use these functions.
 */
#ifndef MALLOW_PROFILE_SECTION_H
#define MALLOW_PROFILE_SECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mallow_profile.h"

struct section_memory;

/* Records what the earlier snapshots of a section have described. */
struct section {
    struct section_memory *memory;
    struct mallow_profile_process process;
    uint32_t threads;     /* see profile_threads_read */
    uint64_t described;   /* when a snapshot last described the whole process; 0: none has */
    uint64_t describe_ns; /* how long that took */
    bool is_alone;        /* contains one snapshot, with all sites */
};

struct snapshot_kind {
    enum mallow_profile_reason reason;
    bool live;  /* with LIVE blocks */
    bool whole; /* with what describes the whole process; false: if that is due */
};

/* Makes the memory for sections resident. */
void section_prepare(void);

/* Return where that memory is, or NULL, and how large each part is. */
#define SECTION_MEMORIES 2
const void *section_memory_start(unsigned part);
size_t section_memory_bytes(void);

/* Begin a section: one for the program's file, or for a single snapshot that another process
 * requested. */
struct section section_begin(void);
struct section section_alone(void);

/* Writes the PROCESS block. `started`: when the sums began, by os_exact_ns. `sections`: see struct
 * mallow_profile_process. */
bool section_write_process(int fd, struct section *section, int64_t started, uint32_t sections);

/* Writes a snapshot. Returns false if not all of it was written: the caller then discards it and
 * restores *section. */
bool section_write_snapshot(int fd, struct section *section, struct snapshot_kind kind);

/* Called after a snapshot was discarded: forgets all that the section has described, and marks all
 * sites as changed, so that the next snapshot contains them. */
void section_discard(struct section *section);

/* Fills in the exact figures of the heap, and the number of live blocks of each size class. Defined
 * in process/hooks.c. */
extern void (*const profile_read_totals)(struct mallow_profile_snapshot *snapshot,
                                         uint64_t *class_blocks);

/* Calls `call` for each setting that was given. Defined in process/hooks.c. */
extern void (*const profile_each_setting)(void (*call)(void *to, const char *key,
                                                       const char *value),
                                          void *to);

#endif
