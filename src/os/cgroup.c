#include "os/cgroup.h"

#include <string.h>

#include "os/os.h"
#include "report/text.h"

#define PATH_BYTES 1024
#define UNLIMITED ((size_t)1 << 60) /* and beyond: how version 1 says that there is no limit */

/* The two versions of control groups, which may be there side by side. */
struct hierarchy {
    const char *line; /* what stands in /proc/self/cgroup before the path */
    const char *root;
    const char *file;
};
static const struct hierarchy hierarchies[] = {
    {"0::", "/sys/fs/cgroup", "/memory.max"},
    {":memory:", "/sys/fs/cgroup/memory", "/memory.limit_in_bytes"},
};

static size_t read_text(const char *path, char *buffer, size_t size) {
    long n = os_read_file(path, buffer, size - 1);
    buffer[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

/* SIZE_MAX for "max", for what is no number and for what cannot be read. */
static size_t read_limit(const struct hierarchy *h, const char *group, size_t length) {
    static UNTOUCHED char path[PATH_BYTES]; /* the stack may be small */
    char number[32];
    struct text t = {.buffer = path, .size = sizeof path - 1};
    size_t value = 0;
    text_add(&t, h->root);
    text_add_bytes(&t, group, length);
    text_add(&t, h->file);
    path[t.length] = '\0';
    if (read_text(path, number, sizeof number) == 0 || number[0] < '0' || number[0] > '9')
        return SIZE_MAX;
    for (const char *at = number; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (size_t)(*at - '0'), &value))
            return SIZE_MAX;
    return value < UNLIMITED ? value : SIZE_MAX;
}

/* The least of the group's and of those around it. */
static size_t least_limit(const struct hierarchy *h, const char *group, size_t length) {
    size_t limit = read_limit(h, "", 0);
    while (length > 0) {
        if (group[length - 1] != '/') limit = min_size(limit, read_limit(h, group, length));
        while (length > 0 && group[--length] != '/') continue;
    }
    return limit;
}

RARE size_t cgroup_memory_limit(void) {
    static UNTOUCHED char groups[4096];
    size_t limit = SIZE_MAX;
    read_text("/proc/self/cgroup", groups, sizeof groups);
    for (unsigned i = 0; i < sizeof hierarchies / sizeof hierarchies[0]; i++) {
        const struct hierarchy *h = &hierarchies[i];
        const char *line = strstr(groups, h->line);
        if (line == NULL) continue;
        const char *group = line + strlen(h->line);
        limit = min_size(limit, least_limit(h, group, strcspn(group, "\n")));
    }
    return limit;
}
