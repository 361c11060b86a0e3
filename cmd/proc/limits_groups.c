/* Reads the memory limits of control groups of both versions: those of the group of a process and
 * of all groups that contain it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/printable.h"
#include "common/xalloc.h"
#include "proc/memory_limits.h"
#include "proc/proc.h"

#define GROUP_NO_LIMIT ((uint64_t)1 << 60) /* version 1 reports at least this without a limit */

struct group_limit {
    const char *file, *use; /* names of the files with the limit and with its present use */
    const char *name, *effect;
    bool grows;
};

struct group_version {
    int number;
    struct group_limit limits[4];
    const char *events; /* file with a line for each kind of event */
};

#define KILLS "the kernel kills a process of the group"
static const struct group_version group_versions[] = {
    {2,
     {{"memory.max", "memory.current", "group_max", KILLS, true},
      {"memory.high", "memory.current", "group_high", "the kernel slows the group down", true},
      {"memory.swap.max", "memory.swap.current", "group_swap", "the group can swap no more",
       false}},
     "memory.events"},
    {1,
     {{"memory.limit_in_bytes", "memory.usage_in_bytes", "group_max", KILLS, true},
      {"memory.memsw.limit_in_bytes", "memory.memsw.usage_in_bytes", "group_swap", KILLS, true},
      {"memory.soft_limit_in_bytes", "memory.usage_in_bytes", "group_high",
       "the kernel takes memory from the group first", false}},
     "memory.oom_control"},
};

/* Stores the group that is mounted and the place where it is, which the caller frees. Returns false
 * if there is none. The fields of /proc/self/mountinfo after " - " are the type, the source and the
 * options. */
static bool group_find_mount(const struct limits *limits, const struct group_version *version,
                             char **mount, char **top) {
    char line[2048], place[512], root[512];
    bool found = false;
    /* A process may see other mounts than this one, which reads the files. */
    FILE *mounts = limits->open != NULL ? limits_open(limits, "/proc/self/mountinfo")
                                        : proc_open(getpid(), "mountinfo");
    while (mounts != NULL && !found && fgets(line, sizeof line, mounts) != NULL) {
        const char *type = strstr(line, " - ");
        if (type == NULL || sscanf(line, "%*s %*s %*s %511s %511s", root, place) != 2) continue;
        found = version->number == 2
                    ? strncmp(type, " - cgroup2 ", 11) == 0
                    : strncmp(type, " - cgroup ", 10) == 0 && strstr(type, ",memory") != NULL;
    }
    if (mounts != NULL) fclose(mounts);
    *mount = found ? xstrdup(place) : NULL;
    *top = found ? xstrdup(root) : NULL;
    return found;
}

/* Returns the process's group in the hierarchy, which the caller frees, or NULL. Lines of
 * /proc/PID/cgroup are "number:controllers:path"; version 2 has no controllers. */
static char *group_path(const struct limits *limits, const struct group_version *version) {
    const char *mark = version->number == 2 ? "::" : ":memory:";
    char line[4096], *found = NULL;
    FILE *groups = limits_open(limits, "/proc/self/cgroup");
    while (groups != NULL && found == NULL && fgets(line, sizeof line, groups) != NULL) {
        char *at = strchr(line, ':');
        if (at == NULL || strncmp(at, mark, strlen(mark)) != 0) continue;
        at += strlen(mark);
        at[strcspn(at, "\n")] = '\0';
        found = xstrdup(at);
    }
    if (groups != NULL) fclose(groups);
    return found;
}

static uint64_t group_read(const struct limits *limits, const char *folder, const char *name) {
    char *path = xasprintf("%s/%s", folder, name);
    unsigned long long value;
    FILE *file = limits_open(limits, path);
    free(path);
    if (file == NULL) return LIMIT_NONE;
    if (fscanf(file, "%llu", &value) != 1 || value >= GROUP_NO_LIMIT) value = LIMIT_NONE;
    fclose(file);
    return value;
}

/* Returns the number of bytes of cached files, which do not prevent growth because the kernel can
 * drop them. */
static uint64_t group_droppable(const struct limits *limits, const char *folder) {
    char *path = xasprintf("%s/memory.stat", folder), line[256];
    uint64_t bytes = 0;
    unsigned long long value;
    FILE *file = limits_open(limits, path);
    free(path);
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "inactive_file %llu", &value) == 1 ||
            sscanf(line, "total_inactive_file %llu", &value) == 1)
            bytes = value;
    if (file != NULL) fclose(file);
    return bytes;
}

static void group_add_limits(struct limits *limits, const struct group_version *version,
                             const char *folder, const char *group) {
    for (const struct group_limit *of = version->limits; of->file != NULL; of++) {
        uint64_t maximum = group_read(limits, folder, of->file);
        uint64_t used = group_read(limits, folder, of->use);
        if (maximum == LIMIT_NONE || used == LIMIT_NONE) continue;
        uint64_t droppable = of->grows ? group_droppable(limits, folder) : 0;
        struct limit *limit = limits_add(
            limits, of->name, used - (droppable < used ? droppable : used), maximum, of->effect);
        snprintf(limit->label, sizeof limit->label, "%s of control group %s", of->file, group);
        make_printable(limit->label, strlen(limit->label), "");
        limit->is_reached_by_use = of->grows;
    }
}

/* Adds the events that have happened. */
static void group_add_events(struct limits *limits, const struct group_version *version,
                             const char *folder, const char *group) {
    static const char *const names[] = {"high", "max", "oom", "oom_kill", "oom_group_kill"};
    char *path = xasprintf("%s/%s", folder, version->events), line[128], name[32];
    unsigned long long count;
    FILE *file = limits_open(limits, path);
    free(path);
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "%31s %llu", name, &count) != 2 || count == 0) continue;
        for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
            if (strcmp(name, names[i]) != 0 || limits->event_count == EVENTS_MAX) continue;
            struct group_events *events = &limits->events[limits->event_count++];
            *events = (struct group_events){.name = names[i], .count = count};
            snprintf(events->group, sizeof events->group, "%s", group);
            make_printable(events->group, strlen(events->group), "");
        }
    }
    if (file != NULL) fclose(file);
}

/* Reads the group and all groups that contain it, up to the mounted one. */
static void group_read_all(struct limits *limits, const struct group_version *version,
                           const char *mount, char *group) {
    bool is_innermost = true;
    for (;;) {
        char *folder = xasprintf("%s%s", mount, strcmp(group, "/") == 0 ? "" : group);
        /* Files that a profile does not contain have no limits. */
        if (limits->open != NULL || access(folder, X_OK) == 0) {
            group_add_limits(limits, version, folder, group);
            group_add_events(limits, version, folder, group);
            char *pressure = xasprintf("%s/memory.pressure", folder);
            if (is_innermost) limits->group = limits_read_pressure(limits, pressure);
            free(pressure);
            is_innermost = false;
        }
        free(folder);
        if (strcmp(group, "/") == 0) return;
        char *last = strrchr(group, '/');
        if (last == NULL) return;
        last[last == group] = '\0';
    }
}

/* Returns the group's path below the mounted one. In containers without a namespace for control
 * groups, only the container's own group is mounted, but paths begin at the system's root. */
static char *group_below(char *group, const char *top) {
    size_t length = strcmp(top, "/") == 0 ? 0 : strlen(top);
    if (strncmp(group, top, length) != 0) return group;
    if (group[length] == '/') return group + length;
    if (length != 0 && group[length] == '\0') group[1] = '\0'; /* the mounted group itself */
    return group;
}

void limits_read_groups(struct limits *limits) {
    for (unsigned i = 0; i < sizeof group_versions / sizeof *group_versions; i++) {
        const struct group_version *version = &group_versions[i];
        char *mount, *top, *group = group_path(limits, version);
        /* A path that begins with ".." lies outside this process's view of the groups. */
        if (group_find_mount(limits, version, &mount, &top) && group != NULL &&
            strncmp(group, "/..", 3) != 0)
            group_read_all(limits, version, mount, group_below(group, top));
        free(mount);
        free(top);
        free(group);
    }
}
