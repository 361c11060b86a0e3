/* The memory limits of the process's control group. */
#ifndef MALLOW_CGROUP_H
#define MALLOW_CGROUP_H

#include <stddef.h>

/* In bytes; SIZE_MAX if no limit is set or none can be read. */
struct cgroup_memory {
    size_t limit; /* the lowest limit of the process's group and the groups that contain it */
    size_t left;  /* the least that remains below such a limit; page caches do not count as used */
};

/* Reads files in /proc and /sys, so call it rarely. Thread-safe; keeps errno. */
struct cgroup_memory cgroup_memory(void);

#endif
