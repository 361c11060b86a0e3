/*
 * mtrace(3): a log of all calls that allocate or free, in the format of the GNU C library's.
 *
 * It observes the calls (check/observed.h), each at a time when no other thread can have the
 * address for another block: after an allocation, before a block is freed or, by realloc, left for
 * another one.
 */
#ifndef MALLOW_MTRACE_H
#define MALLOW_MTRACE_H

#include "check/observed.h"

void mtrace_begin(void);
void mtrace_end(void);

extern const struct observer mtrace_observer;

/* Writes what is still in the buffer, before a process ends in another way than by exit. */
void mtrace_flush(void);

/* In the child of a fork: the log remains its parent's. */
void mtrace_after_fork(void);

#endif
