/* What the process's control group allows it. */
#ifndef MALLOW_CGROUP_H
#define MALLOW_CGROUP_H

#include "config.h"

/* Bytes of memory that the process's own group and the groups around it may have; SIZE_MAX when no
 * limit is set or can be read. Reads files: for rare calls, with the global lock. */
size_t cgroup_memory_limit(void);

#endif
