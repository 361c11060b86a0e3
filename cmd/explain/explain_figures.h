/* The figures of Mallow in a process, for mallow explain. */
#ifndef MALLOW_EXPLAIN_FIGURES_H
#define MALLOW_EXPLAIN_FIGURES_H

#include "explain/explain.h"

/* Requests the figures and ranges of the allocator, and stores the parts that the figures describe.
 * Returns the answer, which the caller frees. If the process does not answer, stores the reason and
 * returns NULL. */
char *explain_read_figures(struct explanation *explanation, struct explain_look *look);

/* Marks the ranges of the answer in the address space. */
struct address_space;
void explain_mark_ranges(struct address_space *space, const char *answer);

#endif
