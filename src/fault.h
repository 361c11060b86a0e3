/* What happens when the program touches memory that it may not: in the pages around and of freed
 * guarded blocks, and in those that end slabs, a report, elsewhere what would have happened without
 * us. */
#ifndef MALLOW_FAULT_H
#define MALLOW_FAULT_H

/* Sees to it that our handler of SIGSEGV is in place, in front of whatever the program has put
 * there meanwhile. Under guard_lock; one system call. */
void fault_watch(void);

#endif
