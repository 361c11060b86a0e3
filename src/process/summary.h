/* The summary of the process's use of memory, printed when it ends (stats=exit). */
#ifndef MALLOW_SUMMARY_H
#define MALLOW_SUMMARY_H

/* Stores the process's resident memory in the call page. It cannot be read after the process has
 * aborted. */
void summary_before_abort(void);

/* Called in the child of a fork, which counts and prints nothing, because the summary is about its
 * parent. */
void summary_after_fork(void);

#endif
