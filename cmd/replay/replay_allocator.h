/* The allocators that a trace is replayed on. */
#ifndef MALLOW_REPLAY_ALLOCATOR_H
#define MALLOW_REPLAY_ALLOCATOR_H

#include <stdbool.h>
#include <stddef.h>

#include "replay/replay_measure.h"

struct replay_allocator {
    char *name;    /* for people: "jemalloc", or "mallow retain=0" */
    char *library; /* for LD_PRELOAD; "": none */
    char *options; /* for MALLOW_OPTIONS, or NULL: those of the command */
    bool is_added; /* only because the trace was recorded on it */
    struct replay_results results;
};

struct replay_allocators {
    struct replay_allocator *list;
    size_t count;
};

/* Adds the allocators in the list, which are separated by commas. Ends the command with a message
 * if one of them cannot be loaded. NULL: all of those that can be. */
void replay_allocators_add(struct replay_allocators *allocators, const char *list);

/* Adds Mallow with settings: sets of "key=value,..." that are separated by semicolons, or "auto".
 */
void replay_allocators_add_options(struct replay_allocators *allocators, const char *sets);

/* Returns the allocator that the trace was recorded on, and adds it if necessary: its name or the
 * path of its library. If it cannot be loaded, returns NULL. */
struct replay_allocator *replay_allocators_recorded(struct replay_allocators *allocators,
                                                    const char *path);

/* Returns the allocator with the name, or NULL. */
struct replay_allocator *replay_allocators_find(const struct replay_allocators *allocators,
                                                const char *name);

void replay_allocators_free(struct replay_allocators *allocators);

#endif
