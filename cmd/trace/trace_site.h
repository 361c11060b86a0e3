/* Finds the functions of a call site in a log of mtrace(3). */
#ifndef MALLOW_TRACE_SITE_H
#define MALLOW_TRACE_SITE_H

#include "symbols/symbols.h"
#include "trace/trace_log.h"

/* Stores the functions. The site belongs to the module, which is a path. */
void trace_site_find_symbols(struct symbols *symbols, const char *module,
                             const struct trace_site *site, struct symbol_list *list);

#endif
