/* The library's beginning. */
#ifndef MALLOW_START_H
#define MALLOW_START_H

#include <stdbool.h>

/* Makes the heap usable, at the first allocation, which may come from the loader; under the
 * global lock. False when there is no address space (yet). */
bool start_once(void);

/* The same, for those who do not hold the lock. */
bool start(void);

#endif
