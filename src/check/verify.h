/* Looks for damage in all checked and guarded blocks of the process. */
#ifndef MALLOW_VERIFY_H
#define MALLOW_VERIFY_H

#include <stddef.h>

#include "check/observed.h"

/* Checks the memory around live blocks and the content of freed ones. Reports each damaged block;
 * `when` is the part of the report that says how it was found. Returns the number of damaged
 * blocks. Other threads may run at the same time. */
size_t verify_all(const char *when);

/* Verifies all blocks before each call, for mcheck_pedantic(3). */
extern const struct observer verify_observer;

/* Verifies all blocks when the process ends. In the child of a fork, after verify_after_fork, it
 * verifies only pages that have changed since the fork. */
void verify_at_exit(void);
void verify_after_fork(void);

#endif
