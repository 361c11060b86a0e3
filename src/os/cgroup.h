/* What the process's control group allows it. */
#ifndef MALLOW_CGROUP_H
#define MALLOW_CGROUP_H

#include <stddef.h>

/* Bytes of memory; SIZE_MAX when no limit is set or can be read. */
struct cgroup_memory {
    size_t limit; /* of the process's own group and the groups around it, the lowest */
    size_t left;  /* what of such a limit is not in use yet, the least: page caches do not count */
};

/* Reads files: for rare calls, one at a time. */
struct cgroup_memory cgroup_memory(void);

#endif
