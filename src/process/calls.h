/*
 * Exact counts of calls by block size, for the summary (stats=exit). They are kept in the process's
 * own memory or in a file. `mallow run` also maps that file, so that it can read the counts after
 * the process has ended.
 */
#ifndef MALLOW_CALLS_H
#define MALLOW_CALLS_H

#include <stdbool.h>
#include <stddef.h>

#include "check/observed.h"
#include "mallow_page.h"

/* Counts in the file at `path` from now on. Returns false, with nothing changed, if the file cannot
 * be mapped or is not a call page for this process. */
bool calls_share(const char *path);
bool calls_are_shared(void);

/* Counts one allocation for each block that is already live. */
void calls_start(void);

/* Completes the counts in the page, before it is read for the last time. Threads that still run are
 * counted until now. */
void calls_finish(void);

/* Called before a fork. Records that a child is about to start, in case the process ends before the
 * child has run. */
void calls_before_fork(void);

/* Called in the child of a fork, whose calls are not counted. Records the child's process ID in the
 * shared page. */
void calls_after_fork(void);

/* The observer that counts each call, while a mode sees all calls. Otherwise the counting path
 * does (heap/call_counts.h). */
extern const struct observer calls_observer;

/* Returns the page, which other threads may be changing. */
struct mallow_call_page *calls_page(void);

#endif
