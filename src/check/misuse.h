/* Reports a pointer that the called function cannot use, because it was never a block or because
 * the block was freed before. */
#ifndef MALLOW_CHECK_MISUSE_H
#define MALLOW_CHECK_MISUSE_H

#include "heap/misuse.h"

/* See misuse_report in heap/misuse.h. */
void misuse_explain(enum misuse what, const void *p, const void *caller);

#endif
