/* Reports faults in the pages around a guarded block, in the pages of a freed one, and in the page
 * that ends a slab in check=hard. */
#ifndef MALLOW_GUARD_FAULT_H
#define MALLOW_GUARD_FAULT_H

#include <stdbool.h>
#include <ucontext.h>

/* Returns false if p lies in no such page or the fault has another cause, and true if it was
 * reported and the access can be repeated. */
bool guard_fault_report(const char *p, const ucontext_t *context);

#endif
