/* The memory limits of the process's control group. */
#ifndef MALLOW_CGROUP_H
#define MALLOW_CGROUP_H

#include <stddef.h>

/* In bytes; SIZE_MAX if no limit is set or none can be read. */
struct cgroup_memory {
    size_t limit; /* the lowest limit of the process's group and the groups that contain it */
    size_t left;  /* the least that remains below such a limit; page caches do not count as used */
};

/* Memory for cgroup_memory_by. */
struct cgroup_buffers {
    char path[512];
    char number[32];
    char stat[2048];
    char groups[4096];
};

/* Reads files in /proc and /sys, so call it rarely. Thread-safe; keeps errno. The buffers are on
 * the stack. */
struct cgroup_memory cgroup_memory(void);

/* Like cgroup_memory, with buffers of the caller, whose stack may be small. */
struct cgroup_memory cgroup_memory_by(struct cgroup_buffers *buffers);

/* Calls `call` for the folder of the process's control group and then for those of the groups that
 * contain it, in each version. Whether such a folder exists is not known. */
void cgroup_each_folder(struct cgroup_buffers *buffers, void (*call)(void *to, const char *folder),
                        void *to);

#endif
