/* Looks for damage in all checked blocks of the process, at once. */
#ifndef MALLOW_VERIFY_H
#define MALLOW_VERIFY_H

#include "config.h"

/* Redzones of live blocks and content of freed ones; each damaged one is reported, found `when`.
 * How many there were. Other threads may go on meanwhile. */
size_t verify_all(const char *when);

/* When the process ends, in the modes that check. */
void verify_at_exit(void);

#endif
