/* The handler of SIGSEGV, in front of the program's own handlers. A fault in memory that Mallow
 * made inaccessible is reported; any other fault does what it would do without Mallow. */
#ifndef MALLOW_FAULT_H
#define MALLOW_FAULT_H

#include <stdbool.h>
#include <ucontext.h>

/* Puts the handler in place, in front of a handler that the program has set since. Costs one system
 * call if it is in place already. Any thread may call it. */
void fault_watch(void);

/* Called in the child of a fork. */
void fault_after_fork(void);

/* Reports the fault at p if Mallow made the page inaccessible. Returns true if it was reported and
 * the access can be repeated. process/hooks.c says which function this is. */
extern bool (*const fault_report)(const char *p, const ucontext_t *context);

/* Calls a function that may read memory which the program has damaged. Returns false if a fault
 * ended the call. The handler must be in place and signals blocked. Calls must not be nested. */
bool fault_survive(void (*call)(void *), void *argument);

#endif
