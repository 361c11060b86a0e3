/*
 * Exact counts of calls by block size, for the summary (stats=exit). They are kept in the process's
 * own memory, or in a page that the process that started it can still read when it has ended.
 */
#ifndef MALLOW_CALLS_H
#define MALLOW_CALLS_H

#include <stdbool.h>
#include <stddef.h>

#include "check/observed.h"
#include "mallow_page.h"

/* Counts in the file at `path` from now on. Returns false, with nothing changed, when the file
 * cannot be mapped or is not a call page for this process. */
bool calls_share(const char *path);
bool calls_are_shared(void);

/* Counts the blocks that are already live as one allocation each. */
void calls_start(void);

/* Before a fork: the child has not run yet when the process ends at once. */
void calls_before_fork(void);

/* In the child of a fork, whose calls are not counted. */
void calls_after_fork(void);

/* Counts each call. */
extern const struct observer calls_observer;

/* Sizes are those that mallow_usable_size() returns. */
void calls_count_alloc(size_t size);
void calls_count_free(size_t size);
void calls_count_resize(size_t before, size_t after);

/* The counts; other threads may be changing them. */
struct mallow_call_page *calls_page(void);

#endif
