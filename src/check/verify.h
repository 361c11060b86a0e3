/* Looks for damage in all checked blocks of the process, at once. */
#ifndef MALLOW_VERIFY_H
#define MALLOW_VERIFY_H

#include <stddef.h>

#include "check/observed.h"

/* Redzones of live blocks and content of freed ones; each damaged one is reported, found `when`.
 * How many there were. Other threads may go on meanwhile. */
size_t verify_all(const char *when);

/* mcheck_pedantic(3): verifies all before each call. */
extern const struct observer verify_observer;

/* When the process ends, in the modes that check. In the child of a fork only what has changed. */
void verify_at_exit(void);
void verify_after_fork(void);

#endif
