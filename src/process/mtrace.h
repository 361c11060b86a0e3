/* mtrace(3): turns the log of all calls (mtrace_log.h) on and off. */
#ifndef MALLOW_MTRACE_H
#define MALLOW_MTRACE_H

void mtrace_begin(void);
void mtrace_end(void);

/* Writes the buffered lines. Called at exit and before an abort. */
void mtrace_flush(void);

/* Called in the child of a fork, where the log belongs to the parent. Ends the tracing. */
void mtrace_after_fork(void);

#endif
