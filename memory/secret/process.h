/* The lock of secret memory, and what happens to it at a fork and at the end of the process. */
#ifndef MALLOW_PROCESS_H
#define MALLOW_PROCESS_H

#include <stdbool.h>

/* Excludes other threads, and forks. */
void process_enter(void);
void process_leave(void);

/* Prepares the process for its first secret. Returns false and records the failure of `function`.
 * The caller holds the lock. */
bool process_prepare(const char *function);

#endif
