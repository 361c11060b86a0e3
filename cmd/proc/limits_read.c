/* Reads the limits of a process and of the system from /proc. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/command.h"
#include "common/printable.h"
#include "proc/memory_limits.h"
#include "proc/proc.h"

FILE *limits_open(const struct limits *limits, const char *path) {
    static const char self[] = "/proc/self/";
    if (limits->open != NULL) return limits->open(limits->from, path);
    if (strncmp(path, self, strlen(self)) == 0)
        return proc_open(limits->process, path + strlen(self));
    return fopen(path, "re");
}

/* Copies the line that begins with `field`. */
static bool limits_status_line(const struct limits *limits, const char *field,
                               char line[static PROC_LINE_SIZE]) {
    return proc_find_line(limits_open(limits, "/proc/self/status"), field, line);
}

/* Returns the number of bytes in a line such as "VmLck:   64 kB" of /proc/PID/status. */
static uint64_t limits_status_bytes(const struct limits *limits, const char *field) {
    char line[PROC_LINE_SIZE];
    if (!limits_status_line(limits, field, line)) return LIMIT_UNKNOWN;
    return strtoull(line + strlen(field), NULL, 10) * 1024;
}

/* Returns the soft limit in a line such as "Max data size   unlimited   unlimited   bytes" of
 * /proc/PID/limits, which is readable where prlimit(2) is refused. */
static uint64_t limits_resource(const struct limits *limits, const char *title) {
    char line[256];
    uint64_t limit = LIMIT_NONE;
    FILE *file = limits_open(limits, "/proc/self/limits");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        const char *at = line + strlen(title);
        if (strncmp(line, title, strlen(title)) != 0) continue;
        at += strspn(at, " ");
        if (isdigit((unsigned char)*at)) limit = strtoull(at, NULL, 10);
    }
    if (file != NULL) fclose(file);
    return limit;
}

static uint64_t limits_read_number(const struct limits *limits, const char *path) {
    unsigned long long number = LIMIT_UNKNOWN;
    FILE *file = limits_open(limits, path);
    if (file == NULL) return LIMIT_UNKNOWN;
    if (fscanf(file, "%llu", &number) != 1) number = LIMIT_UNKNOWN;
    fclose(file);
    return number;
}

static long limits_process_number(const struct limits *limits, const char *path) {
    long number = 0;
    FILE *file = limits_open(limits, path);
    if (file == NULL) return 0;
    if (fscanf(file, "%ld", &number) != 1) number = 0;
    fclose(file);
    return number;
}

static uint64_t limits_count_mappings(const struct limits *limits) {
    uint64_t lines = 0;
    int c;
    if (limits->open != NULL) return limits->mappings;
    FILE *maps = limits_open(limits, "/proc/self/maps");
    if (maps == NULL) return LIMIT_UNKNOWN;
    while ((c = getc(maps)) != EOF) lines += c == '\n';
    if (ferror(maps)) lines = LIMIT_UNKNOWN;
    fclose(maps);
    return lines;
}

static bool limits_may_lock_all(const struct limits *limits) {
    enum { CAP_IPC_LOCK_BIT = 14 };
    char line[PROC_LINE_SIZE];
    if (!limits_status_line(limits, "CapEff:", line)) return false;
    return (strtoull(line + strlen("CapEff:"), NULL, 16) >> CAP_IPC_LOCK_BIT & 1) != 0;
}

static void limits_add_resource(struct limits *limits, const char *name, const char *label,
                                const char *field, const char *title, const char *effect,
                                bool grows) {
    uint64_t used = limits_status_bytes(limits, field);
    struct limit *limit = limits_add(limits, name, used, limits_resource(limits, title), effect);
    snprintf(limit->label, sizeof limit->label, "%s", label);
    limit->is_reached_by_use = grows;
}

static void limits_read_process(struct limits *limits) {
    const char *refused = "malloc and mmap fail with ENOMEM";
    limits_add_resource(limits, "address_space", "address space (RLIMIT_AS)",
                        "VmSize:", "Max address space", refused, true);
    limits_add_resource(limits, "data", "data (RLIMIT_DATA)", "VmData:", "Max data size", refused,
                        true);
    limits_add_resource(limits, "stack", "first thread's stack (RLIMIT_STACK)",
                        "VmStk:", "Max stack size", "the process gets SIGSEGV", false);
    limits->may_lock_all = limits_may_lock_all(limits);
    limits_add_resource(limits, "locked", "locked memory (RLIMIT_MEMLOCK)",
                        "VmLck:", "Max locked memory", "mlock fails with ENOMEM", false);
    if (limits->may_lock_all) limits->list[limits->count - 1].maximum = LIMIT_NONE;
    struct limit *mappings =
        limits_add(limits, "mappings", limits_count_mappings(limits),
                   limits_read_number(limits, "/proc/sys/vm/max_map_count"), refused);
    snprintf(mappings->label, sizeof mappings->label, "mappings (vm.max_map_count)");
    mappings->is_count = true;
    limits->oom_score = limits_process_number(limits, "/proc/self/oom_score");
    limits->oom_adjustment = limits_process_number(limits, "/proc/self/oom_score_adj");
}

/* ---- the system ---- */

/* Returns the amount in a line of /proc/meminfo in bytes, or 0. */
static uint64_t limits_system_bytes(const struct limits *limits, const char *field) {
    char line[128];
    uint64_t bytes = 0;
    FILE *file = limits_open(limits, "/proc/meminfo");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, field, strlen(field)) == 0)
            bytes = strtoull(line + strlen(field), NULL, 10) * 1024;
    if (file != NULL) fclose(file);
    return bytes;
}

static void limits_read_system(struct limits *limits) {
    limits->overcommit_mode = (int)limits_read_number(limits, "/proc/sys/vm/overcommit_memory");
    limits->overcommit_ratio = (int)limits_read_number(limits, "/proc/sys/vm/overcommit_ratio");
    bool is_strict = limits->overcommit_mode == 2;
    struct limit *commit =
        limits_add(limits, "commit", limits_system_bytes(limits, "Committed_AS:"),
                   is_strict ? limits_system_bytes(limits, "CommitLimit:") : LIMIT_NONE,
                   "malloc and mmap fail with ENOMEM");
    snprintf(commit->label, sizeof commit->label, "memory promised to all processes");
    commit->is_reached_by_use = true;
    uint64_t swap = limits_system_bytes(limits, "SwapTotal:"),
             memory = limits_system_bytes(limits, "MemTotal:");
    uint64_t left =
        limits_system_bytes(limits, "MemAvailable:") + limits_system_bytes(limits, "SwapFree:");
    if (memory == 0) return;
    struct limit *total =
        limits_add(limits, "system", memory + swap - (left < memory + swap ? left : memory + swap),
                   memory + swap, "the kernel kills a process");
    snprintf(total->label, sizeof total->label,
             swap == 0 ? "memory of the system" : "memory and swap of the system");
    total->is_reached_by_use = true;
    limits->system = limits_read_pressure(limits, "/proc/pressure/memory");
}

struct pressure limits_read_pressure(const struct limits *limits, const char *path) {
    struct pressure pressure = {-1, -1};
    char line[128];
    FILE *file = limits_open(limits, path);
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        sscanf(line, "some avg10=%lf", &pressure.some);
        sscanf(line, "full avg10=%lf", &pressure.full);
    }
    if (file != NULL) fclose(file);
    return pressure;
}

bool limits_read(struct limits *limits) {
    char line[PROC_LINE_SIZE];
    limits->group = (struct pressure){-1, -1};
    if (!limits_status_line(limits, "Name:", line)) return false;
    snprintf(limits->program, sizeof limits->program, "%.63s", line + strlen("Name:\t"));
    make_printable(limits->program, strlen(limits->program), "");
    limits_read_process(limits);
    limits_read_system(limits);
    limits_read_groups(limits);
    return true;
}
