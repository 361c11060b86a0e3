/*
 * mtrace(3): a log of all calls that allocate or free, in the format of the GNU C library's.
 *
 * While settings.trace is on, magazines hold nothing and the slow paths call the functions below,
 * each at a time when no other thread can have the address for another block: after an allocation,
 * before a block is freed or, by realloc, left for another one.
 */
#ifndef MALLOW_MTRACE_H
#define MALLOW_MTRACE_H

#include <stddef.h>

void mtrace_begin(void);
void mtrace_end(void);

/* caller: a return address in the program. p: NULL when there was no memory. */
void mtrace_alloc(const void *p, size_t size, const void *caller);
void mtrace_free(const void *p, const void *caller);
void mtrace_realloc(const void *old, const void *p, size_t size, const void *caller);

/* Writes what is still in the buffer, before a process ends in another way than by exit. */
void mtrace_flush(void);

/* In the child of a fork: the log remains its parent's. */
void mtrace_after_fork(void);

#endif
