#include "profiles/profile_description.h"

#include <stdlib.h>
#include <string.h>

#include "common/texts.h"
#include "common/xalloc.h"
#include "proc/proc.h"

/* ---- settings and files ---- */

/* Calls `call` for each record of the last snapshot with some, until it returns true. */
static bool description_find_pair(const struct profile_section *section,
                                  enum mallow_profile_type type,
                                  bool (*call)(void *to, const struct profile_pair *pair),
                                  void *to) {
    const struct profile_snapshot *snapshot = profile_last_with(section, type);
    for (size_t i = snapshot == NULL ? 0 : snapshot->first_records;
         snapshot != NULL && i < snapshot->end_records; i++) {
        struct profile_cursor cursor = profile_records_of(section, i, type);
        struct profile_pair pair;
        while (profile_next_pair(&cursor, &pair))
            if (call(to, &pair)) return true;
    }
    return false;
}

struct description_settings {
    void (*call)(void *to, const struct profile_pair *setting);
    void *to;
};

static bool description_pass_setting(void *with, const struct profile_pair *setting) {
    const struct description_settings *settings = with;
    settings->call(settings->to, setting);
    return false;
}

void profile_each_given(const struct profile_section *section,
                        void (*call)(void *to, const struct profile_pair *setting), void *to) {
    struct description_settings settings = {call, to};
    description_find_pair(section, MALLOW_PROFILE_SETTINGS, description_pass_setting, &settings);
}

struct description_file {
    const char *path;
    struct profile_pair found;
};

static bool description_is_file(void *with, const struct profile_pair *pair) {
    struct description_file *file = with;
    file->found = *pair;
    return pair->key_bytes == strlen(file->path) &&
           memcmp(pair->key, file->path, pair->key_bytes) == 0;
}

/* Opens the text of a file of the kernel. */
static FILE *description_open(const void *section, const char *path) {
    struct description_file file = {.path = path};
    if (!description_find_pair(section, MALLOW_PROFILE_FILES, description_is_file, &file) ||
        file.found.value_bytes == 0)
        return NULL;
    return fmemopen((void *)(uintptr_t)file.found.value, file.found.value_bytes, "r");
}

/* ---- mappings ---- */

/* In the order of enum mallow_profile_mapping_parts. */
static const enum figure description_figures[MALLOW_PROFILE_MAPPING_FIGURES] = {
    FIGURE_RSS,       FIGURE_PSS,       FIGURE_PRIVATE_CLEAN, FIGURE_PRIVATE_DIRTY,
    FIGURE_LAZY_FREE, FIGURE_ANON_HUGE, FIGURE_SWAP,          FIGURE_LOCKED};

/* Returns false if the mapping is not possible. */
static bool description_is_valid(const struct address_space *space,
                                 const struct profile_mapping *mapping) {
    uint64_t before = space->count == 0 ? 0 : space->regions[space->count - 1].end;
    for (unsigned i = 0; i < MALLOW_PROFILE_MAPPING_FIGURES; i++)
        if (mapping->kib[i] > UINT64_MAX >> 20) return false;
    return mapping->start < mapping->end && mapping->start >= before;
}

static void description_add_mapping(struct address_space *space, struct texts *paths,
                                    const struct profile_mapping *mapping) {
    const char *path = mapping->path_bytes == 0 ? "" : mapping->path;
    unsigned parts = mapping->parts;
    struct region region = {.start = mapping->start,
                            .end = mapping->end,
                            .offset = mapping->offset,
                            .path = "",
                            .flags = "",
                            .inode = *path == '/' ? texts_add(paths, path) : 0};
    region.permissions[0] = parts & MALLOW_PROFILE_READABLE ? 'r' : '-';
    region.permissions[1] = parts & MALLOW_PROFILE_WRITABLE ? 'w' : '-';
    region.permissions[2] = parts & MALLOW_PROFILE_EXECUTABLE ? 'x' : '-';
    region.permissions[3] = parts & MALLOW_PROFILE_SHARED ? 's' : 'p';
    for (unsigned i = 0; i < MALLOW_PROFILE_MAPPING_FIGURES; i++)
        region.figures.of[description_figures[i]] = mapping->kib[i] * 1024;
    space->has_figures = space->has_figures || (parts & MALLOW_PROFILE_MEASURED) != 0;
    address_space_add(space, region, path);
}

static void description_add_mappings(struct address_space *space,
                                     const struct profile_section *section,
                                     const struct profile_snapshot *snapshot) {
    struct texts paths = {.list = NULL};
    static struct profile_mapping mapping;
    for (size_t i = snapshot->first_records; i < snapshot->end_records; i++) {
        struct profile_cursor cursor = profile_records_of(section, i, MALLOW_PROFILE_MAPPINGS);
        mapping = (struct profile_mapping){0};
        while (profile_next_mapping(&cursor, &mapping))
            if (description_is_valid(space, &mapping))
                description_add_mapping(space, &paths, &mapping);
    }
    space->program_inode = texts_add(&paths, section->program);
    texts_free(&paths);
}

static void description_mark_ranges(struct address_space *space,
                                    const struct profile_section *section,
                                    const struct profile_snapshot *snapshot) {
    static const enum region_kind kinds[] = {[MALLOW_PROFILE_RANGE_HEAP] = REGION_MALLOW_HEAP,
                                             [MALLOW_PROFILE_RANGE_METADATA] =
                                                 REGION_MALLOW_METADATA,
                                             [MALLOW_PROFILE_RANGE_GUARDED] = REGION_MALLOW_GUARDED,
                                             [MALLOW_PROFILE_RANGE_PROFILE] = REGION_MALLOW_PROFILE,
                                             [MALLOW_PROFILE_RANGE_STACKS] = REGION_MALLOW_STACKS,
                                             [MALLOW_PROFILE_RANGE_BLOCK] = REGION_MALLOW_BLOCK};
    struct mallow_range *ranges = NULL;
    size_t count = 0;
    for (size_t i = snapshot->first_records; i < snapshot->end_records; i++) {
        struct profile_cursor cursor = profile_records_of(section, i, MALLOW_PROFILE_RANGES);
        struct profile_area area = {0};
        while (profile_next_range(&cursor, &area)) {
            if (area.use == 0 || area.use >= sizeof kinds / sizeof *kinds) continue;
            ranges = xgrow(ranges, count, sizeof *ranges);
            ranges[count++] = (struct mallow_range){area.start, area.end, kinds[area.use]};
        }
    }
    address_space_mark(space, ranges, count);
    free(ranges);
}

static uint64_t description_stack_limit(const struct profile_section *section) {
    static const char title[] = "Max stack size";
    char line[PROC_LINE_SIZE];
    bool found = proc_find_line(description_open(section, "/proc/self/limits"), title, line);
    return found ? strtoull(line + strlen(title), NULL, 10) : 0;
}

const struct profile_snapshot *profile_read_space(const struct profile_section *section,
                                                  struct address_space *space) {
    const struct profile_snapshot *snapshot = profile_last_with(section, MALLOW_PROFILE_MAPPINGS);
    *space = (struct address_space){.stack_limit = description_stack_limit(section)};
    if (snapshot == NULL) return NULL;
    description_add_mappings(space, section, snapshot);
    address_space_finish(space);
    description_mark_ranges(space, section, snapshot);
    return snapshot;
}

/* ---- limits ---- */

static uint64_t description_count_mappings(const struct profile_section *section) {
    const struct profile_snapshot *snapshot = profile_last_with(section, MALLOW_PROFILE_MAPPINGS);
    static struct profile_mapping mapping;
    uint64_t count = 0;
    for (size_t i = snapshot == NULL ? 0 : snapshot->first_records;
         snapshot != NULL && i < snapshot->end_records; i++) {
        struct profile_cursor cursor = profile_records_of(section, i, MALLOW_PROFILE_MAPPINGS);
        mapping = (struct profile_mapping){0};
        while (profile_next_mapping(&cursor, &mapping)) count++;
    }
    return count;
}

bool profile_read_limits(const struct profile_section *section, struct limits *limits) {
    *limits = (struct limits){.process = (pid_t)section->process.pid,
                              .open = description_open,
                              .from = section,
                              .mappings = description_count_mappings(section)};
    return limits_read(limits);
}

/* ---- pinned memory ---- */

/* A periodic snapshot leaves out what each of many samples pins; any other that describes the
 * process lacks it only if nothing is pinned. */
const struct profile_snapshot *profile_pinned_snapshot(const struct profile_section *section) {
    const struct profile_snapshot *pinned = profile_last_with(section, MALLOW_PROFILE_PINNED);
    const struct profile_snapshot *described = profile_last_with(section, MALLOW_PROFILE_MAPPINGS);
    if (described == NULL || described->totals.reason == MALLOW_PROFILE_PERIODIC) return pinned;
    return described;
}
