#include "profile/profile_maps.h"

#include <string.h>

#include "base/compiler.h"
#include "base/numbers.h"
#include "profile/profile_lines.h"

struct maps_walk {
    void (*call)(void *to, const struct profile_mapping *mapping);
    void *to;
};

/* ---- lines ---- */

static uint64_t profile_maps_hex(const char **at) {
    uint64_t value = 0;
    for (;; (*at)++) {
        char c = **at;
        if (c >= '0' && c <= '9')
            value = value * 16 + (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            value = value * 16 + (uint64_t)(c - 'a' + 10);
        else
            return value;
    }
}

static const char *profile_maps_field(const char *at) {
    while (*at != ' ' && *at != '\0') at++;
    while (*at == ' ') at++;
    return at;
}

/* START-END rwxp OFFSET DEVICE INODE   PATH */
static struct profile_mapping profile_maps_parse(const char *line) {
    struct profile_mapping mapping = {0};
    const char *at = line;
    mapping.start = (uintptr_t)profile_maps_hex(&at);
    if (*at == '-') at++;
    mapping.end = (uintptr_t)profile_maps_hex(&at);
    at = profile_maps_field(at);
    if (strlen(at) > 4) {
        mapping.readable = at[0] == 'r';
        mapping.writable = at[1] == 'w';
        mapping.executable = at[2] == 'x';
        mapping.shared = at[3] == 's';
    }
    at = profile_maps_field(at);
    mapping.offset = profile_maps_hex(&at);
    mapping.path = profile_maps_field(profile_maps_field(profile_maps_field(at)));
    mapping.path_bytes = strlen(mapping.path);
    return mapping;
}

static void profile_maps_take(void *to, char *line) {
    const struct maps_walk *walk = to;
    struct profile_mapping mapping = profile_maps_parse(line);
    if (mapping.start < mapping.end) walk->call(walk->to, &mapping);
}

void profile_maps_each(void (*call)(void *to, const struct profile_mapping *mapping), void *to) {
    struct maps_walk walk = {call, to};
    profile_lines_each("/proc/self/maps", profile_maps_take, &walk);
}

/* ---- figures ---- */

#define MAPS_PATH_BYTES ((size_t)4 * KIB)

/* The mapping whose figures follow in smaps. Its path must outlive its line. */
static UNTOUCHED struct {
    struct profile_mapping mapping;
    char path[MAPS_PATH_BYTES + 1];
} profile_maps_now;

static void profile_maps_pass(const struct maps_walk *walk) {
    struct profile_mapping *now = &profile_maps_now.mapping;
    if (now->start < now->end) walk->call(walk->to, now);
    now->start = now->end = 0;
}

static void profile_maps_begin(const struct maps_walk *walk, const char *line) {
    struct profile_mapping mapping = profile_maps_parse(line);
    profile_maps_pass(walk);
    mapping.path_bytes = min_size(mapping.path_bytes, MAPS_PATH_BYTES);
    memcpy(profile_maps_now.path, mapping.path, mapping.path_bytes);
    profile_maps_now.path[mapping.path_bytes] = '\0';
    mapping.path = profile_maps_now.path;
    mapping.is_measured = true;
    profile_maps_now.mapping = mapping;
}

/* "Private_Dirty:       8 kB" */
static void profile_maps_add_figure(const char *line) {
    static const char names[MALLOW_PROFILE_MAPPING_FIGURES][16] = {
        "Rss:",      "Pss:",           "Private_Clean:", "Private_Dirty:",
        "LazyFree:", "AnonHugePages:", "Swap:",          "Locked:"};
    for (unsigned i = 0; i < MALLOW_PROFILE_MAPPING_FIGURES; i++) {
        size_t length = strlen(names[i]);
        if (strncmp(line, names[i], length) != 0) continue;
        uint64_t value = 0;
        for (line += length; *line == ' '; line++) continue;
        for (; *line >= '0' && *line <= '9'; line++) value = value * 10 + (uint64_t)(*line - '0');
        profile_maps_now.mapping.kib[i] = value;
        return;
    }
}

static void profile_maps_measure_line(void *to, char *line) {
    if (*line >= 'A' && *line <= 'Z')
        profile_maps_add_figure(line);
    else
        profile_maps_begin(to, line);
}

void profile_maps_measure(void (*call)(void *to, const struct profile_mapping *mapping), void *to) {
    struct maps_walk walk = {call, to};
    profile_maps_now.mapping = (struct profile_mapping){0};
    if (profile_lines_each("/proc/self/smaps", profile_maps_measure_line, &walk))
        profile_maps_pass(&walk);
    else
        profile_maps_each(call, to);
}
