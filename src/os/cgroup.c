#include "os/cgroup.h"

#include <string.h>

#include "base/compiler.h"
#include "base/numbers.h"
#include "base/text.h"
#include "os/os.h"

#define UNLIMITED ((size_t)1 << 60) /* version 1 reports at least this if there is no limit */

/* The two versions of control groups, which a system may use at the same time. */
struct cgroup_hierarchy {
    const char *line; /* in /proc/self/cgroup, before the path */
    const char *root;
    const char *limit;     /* file with the limit in bytes */
    const char *in_use[2]; /* keys in memory.stat of the bytes that the kernel cannot drop */
};
static const struct cgroup_hierarchy cgroup_hierarchies[] = {
    {"0::", "/sys/fs/cgroup", "/memory.max", {"anon ", "shmem "}},
    {":memory:", "/sys/fs/cgroup/memory", "/memory.limit_in_bytes", {"total_rss ", "total_shmem "}},
};

static size_t cgroup_read_text(const char *path, char *buffer, size_t size) {
    long n = os_read_file(path, buffer, size - 1);
    buffer[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

/* Returns SIZE_MAX for "max" and for anything that is not a number. */
static size_t cgroup_parse_bytes(const char *at) {
    size_t value = 0;
    if (*at < '0' || *at > '9') return SIZE_MAX;
    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (size_t)(*at - '0'), &value))
            return SIZE_MAX;
    return value < UNLIMITED ? value : SIZE_MAX;
}

struct cgroup_path {
    struct cgroup_buffers *buffers;
    const struct cgroup_hierarchy *hierarchy;
    const char *path;
    size_t length;
};

static size_t cgroup_read_file(const struct cgroup_path *group, const char *file, char *buffer,
                               size_t size) {
    char *path = group->buffers->path;
    struct text t = {.buffer = path, .size = sizeof group->buffers->path - 1};
    text_add(&t, group->hierarchy->root);
    text_add_bytes(&t, group->path, group->length);
    text_add(&t, file);
    path[t.length] = '\0';
    return cgroup_read_text(path, buffer, size);
}

/* Returns the bytes after the key at the beginning of a line, or 0. */
static size_t cgroup_find_bytes(const char *stat, const char *key) {
    for (const char *line = stat; *line != '\0';) {
        if (strncmp(line, key, strlen(key)) == 0) {
            size_t bytes = cgroup_parse_bytes(line + strlen(key));
            return bytes == SIZE_MAX ? 0 : bytes;
        }
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    return 0;
}

/* Returns the bytes in use, or 0 if they cannot be read. */
static size_t cgroup_read_in_use(const struct cgroup_path *group) {
    char *stat = group->buffers->stat;
    cgroup_read_file(group, "/memory.stat", stat, sizeof group->buffers->stat);
    return cgroup_find_bytes(stat, group->hierarchy->in_use[0]) +
           cgroup_find_bytes(stat, group->hierarchy->in_use[1]);
}

static void cgroup_tighten(void *to, const struct cgroup_path *group) {
    struct cgroup_memory *memory = to;
    char *number = group->buffers->number;
    if (cgroup_read_file(group, group->hierarchy->limit, number, sizeof group->buffers->number) ==
        0)
        return;
    size_t limit = cgroup_parse_bytes(number);
    if (limit == SIZE_MAX) return;
    memory->limit = min_size(memory->limit, limit);
    memory->left = min_size(memory->left, limit - min_size(limit, cgroup_read_in_use(group)));
}

/* Calls `call` for the group and for the groups that contain it. */
static void cgroup_each_outer(struct cgroup_path group,
                              void (*call)(void *to, const struct cgroup_path *group), void *to) {
    while (group.length > 0) {
        if (group.path[group.length - 1] != '/') call(to, &group);
        while (group.length > 0 && group.path[--group.length] != '/') continue;
    }
    call(to, &group);
}

static void cgroup_each(struct cgroup_buffers *buffers,
                        void (*call)(void *to, const struct cgroup_path *group), void *to) {
    cgroup_read_text("/proc/self/cgroup", buffers->groups, sizeof buffers->groups);
    for (unsigned i = 0; i < sizeof cgroup_hierarchies / sizeof cgroup_hierarchies[0]; i++) {
        const struct cgroup_hierarchy *h = &cgroup_hierarchies[i];
        const char *line = strstr(buffers->groups, h->line);
        if (line == NULL) continue;
        const char *path = line + strlen(h->line);
        cgroup_each_outer((struct cgroup_path){buffers, h, path, strcspn(path, "\n")}, call, to);
    }
}

RARE struct cgroup_memory cgroup_memory_by(struct cgroup_buffers *buffers) {
    struct cgroup_memory memory = {SIZE_MAX, SIZE_MAX};
    cgroup_each(buffers, cgroup_tighten, &memory);
    return memory;
}

struct cgroup_folders {
    void (*call)(void *to, const char *folder);
    void *to;
};

static void cgroup_pass_folder(void *to, const struct cgroup_path *group) {
    const struct cgroup_folders *folders = to;
    char *path = group->buffers->path;
    struct text t = {.buffer = path, .size = sizeof group->buffers->path - 1};
    text_add(&t, group->hierarchy->root);
    text_add_bytes(&t, group->path, group->length);
    path[t.length] = '\0';
    folders->call(folders->to, path);
}

RARE void cgroup_each_folder(struct cgroup_buffers *buffers,
                             void (*call)(void *to, const char *folder), void *to) {
    cgroup_each(buffers, cgroup_pass_folder, &(struct cgroup_folders){call, to});
}

/* The buffers are on the stack, because every process has already used that much of its stack.
 * Static variables would keep memory in use, and stale pointers to a temporary mapping would hide
 * leaks of blocks that are later placed there. */
RARE struct cgroup_memory cgroup_memory(void) {
    struct cgroup_buffers buffers;
    return cgroup_memory_by(&buffers);
}
