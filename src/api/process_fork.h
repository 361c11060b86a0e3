/* The library's handlers for forks; see process_fork.c. */
#ifndef MALLOW_PROCESS_FORK_H
#define MALLOW_PROCESS_FORK_H

/* Registers the handlers with libc, unless that is done. For code that may fork in another way than
 * by the names of this library. May allocate. */
void process_fork_register(void);

#endif
