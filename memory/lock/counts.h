/*
 * The number of locks of each page. The counts belong to the process: a child starts without any.
 *
 * The functions after counts_enter() are called between it and counts_leave(). Addresses are
 * multiples of the page size, and ranges are not empty.
 */
#ifndef MALLOW_COUNTS_H
#define MALLOW_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

/* Pages with the same number of locks. */
struct counts_range {
    uintptr_t low, high;
    uint64_t locks;
    bool is_on_fault; /* all locks were made with MALLOW_LOCK_ON_FAULT */
};

/* The locks of the whole process by mallow_lock_all(). */
struct counts_all {
    uint64_t locks; /* 0: not in effect, and the other members are unspecified */
    bool is_on_fault, includes_future;
};

/* Excludes other threads. Returns false and sets errno if there is no memory. */
bool counts_enter(void);
void counts_leave(void);

struct counts_all *counts_all(void);

/* Adds one lock with MALLOW_LOCK_ON_FAULT to each page. Returns false and sets errno if there is no
 * memory; nothing has changed then. */
bool counts_add(uintptr_t low, uintptr_t high);

/* Records that the pages have a lock without MALLOW_LOCK_ON_FAULT. counts_add() of the range must
 * have been the last change. */
void counts_set_resident(uintptr_t low, uintptr_t high);

/* Makes room for one call of counts_subtract(). Returns false and sets errno if there is none. */
bool counts_prepare(void);

/* Removes one lock from each page. Each page must have one, and counts_prepare() or counts_add() of
 * the range must have been the last change. */
void counts_subtract(uintptr_t low, uintptr_t high);

/* Returns the smallest number of locks of a page. */
uint64_t counts_least(uintptr_t low, uintptr_t high);

/* Finds the first range of locked pages at or after *at and below `high`, and moves *at to its end.
 * Returns false if there is none. The range is cut at `high` and at the initial *at. */
bool counts_next(uintptr_t *at, uintptr_t high, struct counts_range *range);

#endif
