/* mtrace(3): switches the log of all calls on and off (mtrace_log.h). */
#ifndef MALLOW_MTRACE_H
#define MALLOW_MTRACE_H

void mtrace_begin(void);
void mtrace_end(void);

/* Writes what is still in the buffer, before a process ends in another way than by exit. */
void mtrace_flush(void);

/* In the child of a fork: the log remains its parent's. */
void mtrace_after_fork(void);

#endif
