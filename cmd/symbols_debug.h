/* Functions and lines from DWARF. What libdw reads may be malformed on purpose: the search has a
 * limit of depth and of time. */
#ifndef MALLOW_SYMBOLS_DEBUG_H
#define MALLOW_SYMBOLS_DEBUG_H

#include <elfutils/libdwfl.h>
#include <time.h>

#include "symbols.h"

/* What a module's debug information may cost. Begins as zero. */
struct debug_budget {
    clock_t spent;   /* processor time of the look-ups before */
    clock_t started; /* the time at the beginning of this one */
    unsigned steps;
};

/* Adds what the debug information says about the offset; nothing once the budget is spent. The last
 * function of the list may be without a name. */
void debug_find(Dwfl_Module *file, uint64_t offset, struct symbol_list *list,
                struct debug_budget *budget);

#endif
