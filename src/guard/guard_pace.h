/*
 * Limits how many blocks are guarded in a second (guard=N with a large N). A guarded block and its
 * free take 5 to 10 us, so a program that allocates very often still spends at most 1 % of its time
 * on them.
 */
#ifndef MALLOW_GUARD_PACE_H
#define MALLOW_GUARD_PACE_H

#include <stdbool.h>
#include <stddef.h>

/* The limit applies if N is at least this. */
#define GUARD_PACE_FROM 1000u

/* The limit is 1,000 blocks a second, of which at most so many at once. */
#define GUARD_PACE_BURST 100u

/* Returns true, and counts the block, if a block may be guarded now. `one_in`: N. Threads that call
 * it at the same time may exceed the limit a little. */
bool guard_pace_allows(size_t one_in);

#endif
