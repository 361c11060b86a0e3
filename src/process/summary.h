/* What the process did with its memory, printed when it ends (stats=exit). */
#ifndef MALLOW_SUMMARY_H
#define MALLOW_SUMMARY_H

/* A forked child prints none: it is not the process that was asked about. */
void summary_forget(void);

#endif
