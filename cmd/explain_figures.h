/* The figures of Mallow in a process, for mallow explain. */
#ifndef MALLOW_EXPLAIN_FIGURES_H
#define MALLOW_EXPLAIN_FIGURES_H

#include "explain.h"

/* Requests the figures and stores the parts that they describe. Returns the resident memory of the
 * allocator. If the process does not answer, stores the reason and returns 0. */
uint64_t explain_read_figures(struct explanation *explanation, struct explain_look *look);

#endif
