/* Finds functions and lines in DWARF. The files may be malformed on purpose, so the search has
 * limits on depth and time. */
#ifndef MALLOW_SYMBOLS_DEBUG_H
#define MALLOW_SYMBOLS_DEBUG_H

#include <elfutils/libdwfl.h>
#include <time.h>

#include "symbols/symbols.h"
#include "symbols/symbols_calls.h"

/* The processor time spent on a module's debug information. Initialized to zero. */
struct debug_budget {
    clock_t spent;   /* by all look-ups so far */
    clock_t started; /* when the current measurement began */
    unsigned steps;
};

/* Adds the functions and lines of the offset, or nothing once the budget is spent. The last
 * function in the list may have no name. */
void debug_find(Dwfl_Module *file, uint64_t offset, struct symbol_list *list,
                struct debug_budget *budget);

/* Stores the function that contains the offset, and what its addresses differ by from offsets.
 * Returns false if there is none, or once the budget is spent. */
bool debug_find_function(Dwfl_Module *file, uint64_t offset, Dwarf_Die *function, Dwarf_Addr *bias,
                         struct debug_budget *budget);

/* Returns true if a search must end. */
bool debug_budget_is_spent(struct debug_budget *budget);

/* Adds the calls of the function at the offset, which is at that place in the file
 * (symbols_calls.c). */
void debug_find_calls(Dwfl_Module *file, uint64_t offset, uint64_t place,
                      struct symbol_calls *calls, struct debug_budget *budget);

#endif
