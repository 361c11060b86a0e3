/* What happens when the program touches memory that it may not: in the pages around and of freed
 * guarded blocks, and in those that end slabs, a report, elsewhere what would have happened without
 * us. */
#ifndef MALLOW_FAULT_H
#define MALLOW_FAULT_H

#include <stdbool.h>

/* Sees to it that our handler of SIGSEGV is in place, in front of whatever the program has put
 * there meanwhile. Under guard_lock; one system call. */
void fault_watch(void);

/* Calls; false when that ended in a fault. For what reads memory that the program may have damaged;
 * the handler must be in place, and signals blocked. Not within itself. */
bool fault_survive(void (*call)(void *), void *argument);

#endif
