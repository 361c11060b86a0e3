/* What the process did with its memory, printed when it ends (stats=exit). */
#ifndef MALLOW_SUMMARY_H
#define MALLOW_SUMMARY_H

/* Leaves what only the process itself knows of its resident memory. */
void summary_before_abort(void);

/* A forked child counts and prints nothing: the summary is that of its parent. */
void summary_after_fork(void);

#endif
