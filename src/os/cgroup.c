#include "os/cgroup.h"

#include <string.h>

#include "base/compiler.h"
#include "base/numbers.h"
#include "base/text.h"
#include "os/os.h"

#define UNLIMITED ((size_t)1 << 60) /* version 1 reports at least this if there is no limit */

/* The two versions of control groups, which a system may use at the same time. */
struct hierarchy {
    const char *line; /* in /proc/self/cgroup, before the path */
    const char *root;
    const char *limit;  /* file with the limit in bytes */
    const char *in_use; /* in memory.stat, before the bytes that the kernel cannot drop */
};
static const struct hierarchy hierarchies[] = {
    {"0::", "/sys/fs/cgroup", "/memory.max", "anon "},
    {":memory:", "/sys/fs/cgroup/memory", "/memory.limit_in_bytes", "total_rss "},
};

static size_t read_text(const char *path, char *buffer, size_t size) {
    long n = os_read_file(path, buffer, size - 1);
    buffer[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

/* Returns SIZE_MAX for "max" and for anything that is not a number. */
static size_t parse_bytes(const char *at) {
    size_t value = 0;
    if (*at < '0' || *at > '9') return SIZE_MAX;
    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (size_t)(*at - '0'), &value))
            return SIZE_MAX;
    return value < UNLIMITED ? value : SIZE_MAX;
}

/* These are on the stack, because every process has already used that much of its stack. Static
 * variables would keep memory in use, and stale pointers to a temporary mapping would hide leaks of
 * blocks that are later placed there. */
struct buffers {
    char path[512];
    char number[32];
    char stat[2048];
    char groups[4096];
};

struct group {
    struct buffers *buffers;
    const struct hierarchy *hierarchy;
    const char *path;
    size_t length;
};

static size_t read_of_group(const struct group *group, const char *file, char *buffer,
                            size_t size) {
    char *path = group->buffers->path;
    struct text t = {.buffer = path, .size = sizeof group->buffers->path - 1};
    text_add(&t, group->hierarchy->root);
    text_add_bytes(&t, group->path, group->length);
    text_add(&t, file);
    path[t.length] = '\0';
    return read_text(path, buffer, size);
}

/* Returns the bytes in use, or 0 if they cannot be read. */
static size_t read_in_use(const struct group *group) {
    char *stat = group->buffers->stat;
    const char *key = group->hierarchy->in_use;
    read_of_group(group, "/memory.stat", stat, sizeof group->buffers->stat);
    for (const char *line = stat; *line != '\0';) {
        if (strncmp(line, key, strlen(key)) == 0) {
            size_t bytes = parse_bytes(line + strlen(key));
            return bytes == SIZE_MAX ? 0 : bytes;
        }
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    return 0;
}

static void tighten(struct cgroup_memory *memory, const struct group *group) {
    char *number = group->buffers->number;
    if (read_of_group(group, group->hierarchy->limit, number, sizeof group->buffers->number) == 0)
        return;
    size_t limit = parse_bytes(number);
    if (limit == SIZE_MAX) return;
    memory->limit = min_size(memory->limit, limit);
    memory->left = min_size(memory->left, limit - min_size(limit, read_in_use(group)));
}

/* Applies the limits of the group and of the groups that contain it. */
static void tighten_by_all(struct cgroup_memory *memory, struct group group) {
    while (group.length > 0) {
        if (group.path[group.length - 1] != '/') tighten(memory, &group);
        while (group.length > 0 && group.path[--group.length] != '/') continue;
    }
    tighten(memory, &group);
}

static void read_all_groups(struct cgroup_memory *memory, struct buffers *buffers) {
    read_text("/proc/self/cgroup", buffers->groups, sizeof buffers->groups);
    for (unsigned i = 0; i < sizeof hierarchies / sizeof hierarchies[0]; i++) {
        const struct hierarchy *h = &hierarchies[i];
        const char *line = strstr(buffers->groups, h->line);
        if (line == NULL) continue;
        const char *path = line + strlen(h->line);
        tighten_by_all(memory, (struct group){buffers, h, path, strcspn(path, "\n")});
    }
}

RARE struct cgroup_memory cgroup_memory(void) {
    struct cgroup_memory memory = {SIZE_MAX, SIZE_MAX};
    struct buffers buffers;
    read_all_groups(&memory, &buffers);
    return memory;
}
