/* Reads profiles from files: a file, and its children FILE.PID. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/command.h"
#include "common/xalloc.h"
#include "profiles/profile.h"
#include "profiles/profile_input.h"
#include "profiles/profile_trace.h"

/* ---- sections ---- */

/* Returns NULL if the block begins a section of a version that is known. */
static const char *profile_read_process(struct profile *profile,
                                        const struct profile_block *block) {
    struct profile_section *section = profile_section_begin(block);
    if (section == NULL) return "has an invalid PROCESS block";
    if (section->process.version > MALLOW_PROFILE_VERSION)
        return "was written by a newer version of Mallow: this version cannot read it";
    profile->sections = xgrow(profile->sections, profile->count, sizeof *profile->sections);
    profile->sections[profile->count++] = section;
    return NULL;
}

/* Returns the reason why no section was found. */
static const char *profile_read_foreign(const unsigned char *bytes, size_t count) {
    if (count == 0) return "is empty: no profile was written, or not yet";
    if (memmem(bytes, count, MALLOW_PROFILE_MAGIC, 4) != NULL)
        return "is not a profile, or its beginning is damaged or missing";
    if (count >= 4 && (memcmp(bytes, "PROF", 4) == 0 || memcmp(bytes, "FORP", 4) == 0))
        return "was written by an older version of Mallow: this version cannot read it";
    if (count >= 4 &&
        (memcmp(bytes, "\x28\xb5\x2f\xfd", 4) == 0 || memcmp(bytes, "\x1f\x8b", 2) == 0))
        return "is compressed; if heaptrack wrote it, `mallow import` makes a trace of it";
    return "is not a profile";
}

const char *profile_add_bytes(struct profile *profile, const unsigned char *bytes, size_t count) {
    struct profile_scan scan = {.bytes = bytes, .count = count};
    struct profile_block block;
    struct profile_section *section = NULL;
    size_t before = profile->count;
    const char *reason = NULL;
    while (profile_next_block(&scan, &block)) {
        if (scan.lost_start) section = NULL;
        scan.lost_start = false;
        if (block.type == MALLOW_PROFILE_PROCESS) {
            reason = profile_read_process(profile, &block);
            if (reason != NULL) return reason;
            section = profile->sections[profile->count - 1];
        } else if (section != NULL && !profile_section_add(section, &block)) {
            scan.damaged++;
            section = NULL; /* its beginning may be damaged */
        }
    }
    for (size_t i = before; i < profile->count; i++) scan.damaged += profile->sections[i]->invalid;
    profile->damaged += scan.damaged;
    profile->truncated = profile->truncated || scan.truncated;
    return profile->count == before ? profile_read_foreign(bytes, count) : NULL;
}

/* ---- files ---- */

static const char *profile_read_file(struct profile *profile, const char *path) {
    size_t count;
    unsigned char *bytes;
    if (profile_is_trace(path)) return profile_add_trace(profile, path);
    const char *reason = profile_input_read(path, &bytes, &count);
    return reason != NULL ? reason : profile_add_bytes(profile, bytes, count);
}

static bool profile_read_is_number(const char *text) {
    return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* Returns the pattern PATH.*, without a special meaning of the path's own characters. */
static char *profile_read_pattern(const char *path) {
    char *pattern;
    size_t length;
    FILE *to = xopen_memstream(&pattern, &length);
    for (; *path != '\0'; path++) {
        if (strchr("*?[]\\", *path) != NULL) putc('\\', to);
        putc(*path, to);
    }
    fputs(".[0-9]*", to);
    xclose_memstream(to);
    return pattern;
}

/* Removes sections that an earlier run with the same file name has left. */
static size_t profile_read_drop_older(struct profile *profile, size_t from) {
    uint64_t started = profile->sections[0]->process.started_at;
    size_t kept = from;
    for (size_t i = from; i < profile->count; i++)
        if (profile->sections[i]->process.started_at >= started)
            profile->sections[kept++] = profile->sections[i];
    size_t dropped = profile->count - kept;
    profile->count = kept;
    return dropped;
}

static void profile_read_children(struct profile *profile, const char *path) {
    char *pattern = profile_read_pattern(path);
    glob_t found;
    size_t prefix = strlen(path) + 1;
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            const char *child = found.gl_pathv[i];
            size_t before = profile->count;
            if (!profile_read_is_number(child + prefix)) continue;
            const char *reason = profile_read_file(profile, child);
            if (reason != NULL) warnx("%s %s", child, reason);
            if (profile_read_drop_older(profile, before) != 0)
                warnx("%s is older than %s and is left out", child, path);
        }
        globfree(&found);
    }
    free(pattern);
}

/* ---- warnings ---- */

static void profile_read_warn(const struct profile *profile) {
    size_t empty = 0;
    for (size_t i = 0; i < profile->count; i++) empty += profile->sections[i]->snapshot_count == 0;
    if (profile->damaged != 0)
        warnx("%s: %zu damaged part%s skipped: figures can be too small", profile->name,
              profile->damaged, profile->damaged == 1 ? " was" : "s were");
    if (profile->truncated)
        warnx(
            "%s ends in the middle of a block: what followed the last complete snapshot is missing",
            profile->name);
    if (empty != 0)
        warnx("%s: %zu of %zu programs ended before a snapshot was complete", profile->name, empty,
              profile->count);
}

struct profile *profile_read(const char *path) {
    struct profile *profile = xcalloc(1, sizeof *profile);
    profile->name = xstrdup(path);
    const char *reason = profile_read_file(profile, path);
    if (reason != NULL) errx(EXIT_BAD_PROFILE, "%s %s", path, reason);
    profile_read_children(profile, path);
    profile_read_warn(profile);
    return profile;
}
