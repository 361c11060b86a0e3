/*
 * The pace of guarded blocks while few are guarded (guard=N with a large N): a program that
 * allocates very often still spends less than 1 % of its time on them, because a block and its free
 * take about 5 us.
 */
#ifndef MALLOW_GUARD_PACE_H
#define MALLOW_GUARD_PACE_H

#include <stdbool.h>
#include <stddef.h>

/* The pace is kept for N of at least this. */
#define GUARD_PACE_FROM 1000u

/* A pace of 1,000 blocks a second, after at most so many at once. */
#define GUARD_PACE_BURST 100u

/* Returns true if a block may be guarded now, where one in `one_in` is, and counts it. Threads that
 * call it at the same time may exceed the pace a little. */
bool guard_pace_allows(size_t one_in);

#endif
