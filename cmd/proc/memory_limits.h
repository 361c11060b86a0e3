/* The limits that the memory of a process can reach. */
#ifndef MALLOW_MEMORY_LIMITS_H
#define MALLOW_MEMORY_LIMITS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define LIMIT_NONE UINT64_MAX    /* value of `maximum`: there is no limit */
#define LIMIT_UNKNOWN UINT64_MAX /* value of `used`: it cannot be read */

struct limit {
    const char *name;       /* name in JSON */
    char label[160];        /* name for people */
    bool is_count;          /* the values are numbers of things, not bytes */
    bool is_reached_by_use; /* the growth of private memory can reach it */
    uint64_t used, maximum;
    const char *effect; /* what happens at the limit, such as "malloc fails" */
};

/* Pressure of a control group or the system: the share of the last ten seconds, in percent, in
 * which some or all tasks waited for memory. Negative if it is unknown. */
struct pressure {
    double some, full;
};

/* How often an event has happened to a control group. */
struct group_events {
    char group[128];
    const char *name; /* such as "oom_kill" */
    uint64_t count;
};

#define LIMITS_MAX 64
#define EVENTS_MAX 32

struct limits {
    pid_t process;
    /* Opens the files of the kernel for a profile; NULL: they are those of the process. */
    FILE *(*open)(const void *from, const char *path);
    const void *from;
    uint64_t mappings; /* in the profile */
    char program[64];
    struct limit list[LIMITS_MAX];
    unsigned count;
    struct group_events events[EVENTS_MAX];
    unsigned event_count;
    struct pressure system, group;
    int overcommit_mode, overcommit_ratio;
    long oom_score, oom_adjustment;
    bool may_lock_all; /* the process has CAP_IPC_LOCK, so RLIMIT_MEMLOCK does not apply */
};

/* Adds a limit and returns it. If there are LIMITS_MAX, it replaces the last one. */
struct limit *limits_add(struct limits *limits, const char *name, uint64_t used, uint64_t maximum,
                         const char *effect);

/* Reads the limits of the process and of the system, and those of the process's control groups with
 * their events and pressure. Returns false if the process has ended or the profile does not contain
 * them. */
bool limits_read(struct limits *limits);

/* Opens a file in /proc or /sys; /proc/self is that of the process. Returns NULL if it cannot be
 * read. */
FILE *limits_open(const struct limits *limits, const char *path);

/* Reads a pressure file (PSI). */
struct pressure limits_read_pressure(const struct limits *limits, const char *path);

/* A part of limits_read: adds what concerns control groups. */
void limits_read_groups(struct limits *limits);

/* Returns how much is left before the limit is reached, or LIMIT_NONE. */
uint64_t limit_left(const struct limit *limit);

/* Returns the limit that private memory reaches first if it grows, or NULL if there is none. */
const struct limit *limits_first(const struct limits *limits);

int limits_print(const struct limits *limits);
int limits_print_json(const struct limits *limits);

/* Writes the limits as a JSON object. */
void limits_write_json(FILE *to, const struct limits *limits);

#endif
