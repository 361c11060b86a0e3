/* The data of a report: stacks, and the figures of all sites at all snapshots. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/xalloc.h"
#include "html/report.h"
#include "html/report_columns.h"
#include "profiles/profile_description.h"
#include "sites/site_groups.h"

/* A snapshot of one of the sections. */
struct report_event {
    const struct profile_snapshot *snapshot;
    size_t section;
    uint64_t time; /* nanoseconds since the profile began */
};

struct report_data {
    const struct stacks *stacks;
    struct report_columns columns;
    FILE *to; /* the description */
    /* The profile that is being written. */
    const struct profile *profile;
    uint64_t start;
    const char *group; /* the prefix of its columns */
    struct report_event *events;
    size_t event_count;
    size_t *first_sites; /* of each section, in the profile's list of sites */
    size_t site_count;
};

static struct report_column *report_data_column(struct report_data *data, const char *part,
                                                const char *name, enum report_column_kind kind) {
    char *group = xasprintf("%s%s", data->group, part);
    struct report_column *column = report_column(&data->columns, group, name, kind);
    free(group);
    return column;
}

/* ---- stacks ---- */

enum { FRAME_INLINED = 1, FRAME_HELPER = 2, FRAME_JIT = 4, FRAME_UNNAMED = 8 };

static void report_data_add_stacks(struct report_data *data) {
    const struct stacks *stacks = data->stacks;
    struct report_column *function = report_data_column(data, "frame", "function", COLUMN_VALUES);
    struct report_column *file = report_data_column(data, "frame", "file", COLUMN_DIFFERENCES);
    struct report_column *module = report_data_column(data, "frame", "module", COLUMN_DIFFERENCES);
    struct report_column *line = report_data_column(data, "frame", "line", COLUMN_VALUES);
    struct report_column *flags = report_data_column(data, "frame", "flags", COLUMN_VALUES);
    for (size_t i = 0; i < stacks->frame_count; i++) {
        const struct stack_frame *frame = &stacks->frames[i];
        report_column_add(function, frame->function);
        report_column_add(file, frame->file);
        report_column_add(module, frame->module);
        report_column_add(line, frame->line);
        report_column_add(flags, frame->inlined * FRAME_INLINED + frame->is_helper * FRAME_HELPER +
                                     frame->is_jit * FRAME_JIT + frame->is_unnamed * FRAME_UNNAMED);
    }
    struct report_column *caller = report_data_column(data, "node", "caller", COLUMN_DIFFERENCES);
    struct report_column *frame = report_data_column(data, "node", "frame", COLUMN_VALUES);
    for (size_t i = 1; i < stacks->count; i++) {
        report_column_add(caller, stacks->list[i].caller);
        report_column_add(frame, stacks->list[i].frame);
    }
}

static void report_data_write_texts(const struct report_data *data) {
    const struct texts *texts = &data->stacks->texts;
    fputs(",\"texts\":[\"\"", data->to);
    for (uint32_t i = 1; i < texts->count; i++) {
        putc(',', data->to);
        const char *text = texts_get(texts, i);
        json_write_string(data->to, text, strlen(text));
    }
    putc(']', data->to);
}

/* ---- snapshots ---- */

static int report_data_compare_events(const void *a, const void *b) {
    const struct report_event *left = a, *right = b;
    if (left->time != right->time) return left->time < right->time ? -1 : 1;
    if (left->section != right->section) return left->section < right->section ? -1 : 1;
    return left->snapshot < right->snapshot ? -1 : left->snapshot > right->snapshot;
}

/* Lists the snapshots of all sections by their time. A time before the start is wrong. */
static void report_data_list_events(struct report_data *data) {
    for (size_t i = 0; i < data->profile->count; i++) {
        const struct profile_section *section = data->profile->sections[i];
        for (size_t j = 0; j < section->snapshot_count; j++) {
            const struct profile_snapshot *snapshot = &section->snapshots[j];
            uint64_t moment = profile_moment(section, snapshot);
            data->events = xgrow(data->events, data->event_count, sizeof *data->events);
            data->events[data->event_count++] =
                (struct report_event){snapshot, i, moment < data->start ? 0 : moment - data->start};
        }
    }
    if (data->event_count > 0)
        qsort(data->events, data->event_count, sizeof *data->events, report_data_compare_events);
}

static void report_data_add_events(struct report_data *data) {
    struct report_column *process = report_data_column(data, "event", "process", COLUMN_VALUES);
    struct report_column *time = report_data_column(data, "event", "time", COLUMN_DIFFERENCES);
    struct report_column *reason = report_data_column(data, "event", "reason", COLUMN_VALUES);
    struct report_column *classes = report_data_column(data, "event", "classes", COLUMN_VALUES);
    struct report_column *blocks = report_data_column(data, "class", "blocks", COLUMN_VALUES);
    static const char *const names[] = {"resident",   "liveBlocks", "liveBytes", "largeBlocks",
                                        "largeBytes", "heap",       "metadata",  "samplesLost"};
    struct report_column *totals[8];
    for (size_t i = 0; i < 8; i++)
        totals[i] = report_data_column(data, "event", names[i], COLUMN_DIFFERENCES);
    for (size_t i = 0; i < data->event_count; i++) {
        const struct profile_snapshot *snapshot = data->events[i].snapshot;
        const struct mallow_profile_snapshot *from = &snapshot->totals;
        const uint64_t values[] = {from->resident_bytes, from->live_blocks, from->live_bytes,
                                   from->large_blocks,   from->large_bytes, from->heap_bytes,
                                   from->metadata_bytes, from->samples_lost};
        report_column_add(process, (int64_t)data->events[i].section);
        report_column_add(time, report_clamp(data->events[i].time / 1000));
        report_column_add(reason, from->reason);
        report_column_add(classes, (int64_t)snapshot->class_count);
        for (size_t j = 0; j < 8; j++) report_column_add(totals[j], report_clamp(values[j]));
        for (size_t j = 0; j < snapshot->class_count; j++)
            report_column_add(blocks, report_clamp(snapshot->class_blocks[j]));
    }
}

/* ---- sites ---- */

static void report_data_add_sites(struct report_data *data) {
    struct report_column *process = report_data_column(data, "site", "process", COLUMN_DIFFERENCES);
    struct report_column *node = report_data_column(data, "site", "node", COLUMN_DIFFERENCES);
    struct report_column *large = report_data_column(data, "site", "large", COLUMN_VALUES);
    data->first_sites = xcalloc(data->profile->count + 1, sizeof *data->first_sites);
    data->site_count = 0;
    for (size_t i = 0; i < data->profile->count; i++) {
        const struct profile_section *section = data->profile->sections[i];
        data->first_sites[i] = data->site_count;
        data->site_count += section->site_count;
        for (size_t j = 0; j < section->site_count; j++) {
            report_column_add(process, (int64_t)i);
            report_column_add(node, section->stacks[section->sites[j].node]);
            report_column_add(large, section->sites[j].large);
        }
    }
}

enum {
    FIGURE_ALLOCATED_BYTES,
    FIGURE_ALLOCATED_SIZE, /* mean size of blocks, in units of 1/64 byte */
    FIGURE_LIVE_BYTES,
    FIGURE_LIVE_SIZE,
    FIGURE_LIVE_ERROR, /* 16 times the binary logarithm of the 95 % interval; 0: exact */
    FIGURE_PEAK_BYTES,
    FIGURE_FREED,
    FIGURE_COUNT = FIGURE_FREED + MALLOW_PROFILE_LIFETIMES
};

static const char *const report_data_figures[FIGURE_COUNT] = {
    "allocatedBytes", "allocatedSize", "liveBytes", "liveSize", "liveError", "peakBytes", "freed0",
    "freed1",         "freed2",        "freed3",    "freed4",   "freed5",    "freed6",    "freed7"};

/* The mean size changes less than the number of blocks, and so takes less space. */
static int64_t report_data_size(const struct mallow_profile_sum *sum, int64_t last) {
    return sum->blocks > 0 ? report_integer(sum->bytes / sum->blocks * 64) : last;
}

/* Replaces the figures by those of the site. */
static void report_data_set_figures(int64_t *figures, const struct mallow_profile_site *site) {
    figures[FIGURE_ALLOCATED_BYTES] = report_integer(site->allocated.bytes);
    figures[FIGURE_ALLOCATED_SIZE] =
        report_data_size(&site->allocated, figures[FIGURE_ALLOCATED_SIZE]);
    figures[FIGURE_LIVE_BYTES] = report_integer(site->live.bytes);
    figures[FIGURE_LIVE_SIZE] = report_data_size(&site->live, figures[FIGURE_LIVE_SIZE]);
    figures[FIGURE_LIVE_ERROR] = report_error(site->live.variance);
    figures[FIGURE_PEAK_BYTES] = report_integer(fmax(site->peak_bytes, site->live.bytes));
    for (size_t i = 0; i < MALLOW_PROFILE_LIFETIMES; i++)
        figures[FIGURE_FREED + i] = report_integer(site->freed[i]);
}

/* A record says by how much the figures of a site have changed since the last record. */
struct report_records {
    struct report_column *event, *site, *figures[FIGURE_COUNT];
    int64_t (*last)[FIGURE_COUNT];
};

static void report_data_add_record(struct report_records *records, size_t event, size_t site,
                                   const struct mallow_profile_site *from) {
    int64_t *figures = records->last[site], before[FIGURE_COUNT];
    memcpy(before, figures, sizeof before);
    report_data_set_figures(figures, from);
    report_column_add(records->event, (int64_t)event);
    report_column_add(records->site, (int64_t)site);
    for (size_t i = 0; i < FIGURE_COUNT; i++)
        report_column_add(records->figures[i], figures[i] - before[i]);
}

static void report_data_add_records(struct report_data *data) {
    struct report_records records = {
        .event = report_data_column(data, "record", "event", COLUMN_DIFFERENCES),
        .site = report_data_column(data, "record", "site", COLUMN_DIFFERENCES),
        .last = xcalloc(data->site_count + 1, sizeof *records.last)};
    for (size_t i = 0; i < FIGURE_COUNT; i++)
        records.figures[i] =
            report_data_column(data, "record", report_data_figures[i], COLUMN_VALUES);
    for (size_t i = 0; i < data->event_count; i++) {
        const struct report_event *event = &data->events[i];
        const struct profile_section *section = data->profile->sections[event->section];
        for (size_t j = event->snapshot->first_records; j < event->snapshot->end_records; j++) {
            struct profile_cursor cursor = profile_sites_of(section, j);
            struct mallow_profile_site site = {0};
            while (profile_next_site(&cursor, &site)) {
                ssize_t index = profile_site_of(section, &site);
                if (index < 0) continue;
                report_data_add_record(&records, i,
                                       data->first_sites[event->section] + (size_t)index, &site);
            }
        }
    }
    free(records.last);
}

/* ---- live samples ---- */

struct report_lives {
    struct report_column *process, *node, *address, *bytes, *blocks, *time, *thread, *flags;
};

enum { LIVE_LOST = 1, LIVE_LARGE = 2, LIVE_INHERITED = 4 };

static void report_data_add_live(struct report_data *data, const struct report_lives *lives,
                                 size_t index, const struct mallow_profile_live *live) {
    const struct profile_section *section = data->profile->sections[index];
    uint64_t moment = section->process.started_at + (live->time - section->process.started);
    uint32_t node = index_map_find(&section->node_numbers, live->node);
    report_column_add(lives->process, (int64_t)index);
    report_column_add(lives->node, section->stacks[node]);
    report_column_add(lives->address, report_clamp(live->address));
    report_column_add(lives->bytes, report_clamp(live->bytes));
    report_column_add(lives->blocks, report_integer(live->blocks * 10));
    report_column_add(lives->time,
                      report_clamp(moment < data->start ? 0 : (moment - data->start) / 1000));
    report_column_add(lives->thread, live->thread);
    report_column_add(lives->flags, (live->lost == 1) * LIVE_LOST +
                                        (live->large == 1) * LIVE_LARGE +
                                        (live->inherited == 1) * LIVE_INHERITED);
}

static void report_data_add_lives(struct report_data *data) {
    struct report_lives lives = {
        .process = report_data_column(data, "live", "process", COLUMN_DIFFERENCES),
        .node = report_data_column(data, "live", "node", COLUMN_VALUES),
        .address = report_data_column(data, "live", "address", COLUMN_DIFFERENCES),
        .bytes = report_data_column(data, "live", "bytes", COLUMN_VALUES),
        .blocks = report_data_column(data, "live", "blocks", COLUMN_VALUES),
        .time = report_data_column(data, "live", "time", COLUMN_DIFFERENCES),
        .thread = report_data_column(data, "live", "thread", COLUMN_DIFFERENCES),
        .flags = report_data_column(data, "live", "flags", COLUMN_VALUES)};
    for (size_t i = 0; i < data->profile->count; i++) {
        const struct profile_section *section = data->profile->sections[i];
        const struct profile_snapshot *snapshot = profile_last_with(section, MALLOW_PROFILE_LIVE);
        if (snapshot == NULL) continue;
        for (size_t j = snapshot->first_records; j < snapshot->end_records; j++) {
            struct mallow_profile_live live;
            struct profile_cursor cursor = profile_lives_of(section, j, &live);
            while (profile_next_live(&cursor, &live))
                if (profile_live_is_valid(section, &live))
                    report_data_add_live(data, &lives, i, &live);
        }
    }
}

/* ---- the whole process ---- */

static void report_data_add_pinned(struct report_data *data) {
    struct report_column *sites = report_data_column(data, "pinned", "site", COLUMN_DIFFERENCES);
    struct report_column *bytes = report_data_column(data, "pinned", "bytes", COLUMN_VALUES);
    struct report_column *error = report_data_column(data, "pinned", "error", COLUMN_VALUES);
    for (size_t i = 0; i < data->profile->count; i++) {
        const struct profile_section *section = data->profile->sections[i];
        const struct profile_snapshot *snapshot = profile_pinned_snapshot(section);
        if (snapshot == NULL) continue;
        for (size_t j = snapshot->first_records; j < snapshot->end_records; j++) {
            struct profile_cursor cursor = profile_records_of(section, j, MALLOW_PROFILE_PINNED);
            struct mallow_profile_pinned pinned = {0};
            while (profile_next_pinned(&cursor, &pinned)) {
                uint32_t index = index_map_find(&section->site_numbers,
                                                index_map_pair(pinned.large, pinned.node));
                if (index == 0 || !(pinned.bytes < 1e60) || !(pinned.variance >= 0)) continue;
                report_column_add(sites, (int64_t)(data->first_sites[i] + index - 1));
                report_column_add(bytes, report_integer(pinned.bytes));
                report_column_add(error, report_error(pinned.variance));
            }
        }
    }
}

static void report_data_add_pages(struct report_data *data) {
    struct report_column *process = report_data_column(data, "page", "process", COLUMN_DIFFERENCES);
    struct report_column *start = report_data_column(data, "page", "start", COLUMN_DIFFERENCES);
    struct report_column *count = report_data_column(data, "page", "count", COLUMN_VALUES);
    struct report_column *use = report_data_column(data, "page", "use", COLUMN_VALUES);
    for (size_t i = 0; i < data->profile->count; i++) {
        const struct profile_section *section = data->profile->sections[i];
        const struct profile_snapshot *snapshot = profile_last_with(section, MALLOW_PROFILE_PAGES);
        if (snapshot == NULL) continue;
        for (size_t j = snapshot->first_records; j < snapshot->end_records; j++) {
            struct profile_cursor cursor = profile_records_of(section, j, MALLOW_PROFILE_PAGES);
            struct profile_area area = {0};
            while (profile_next_pages(&cursor, &area)) {
                if (area.start >= area.end || area.end > (uint64_t)1 << 60) continue;
                report_column_add(process, (int64_t)i);
                report_column_add(start, (int64_t)(area.start / 4096));
                report_column_add(count, (int64_t)((area.end - area.start) / 4096));
                report_column_add(use, area.use);
            }
        }
    }
}

static void report_data_add_profile(struct report_data *data) {
    data->start = profile_first_moment(data->profile);
    data->events = NULL;
    data->event_count = 0;
    report_data_list_events(data);
    report_data_add_events(data);
    report_data_add_sites(data);
    report_data_add_records(data);
    report_data_add_lives(data);
    report_data_add_pinned(data);
    report_data_add_pages(data);
    free(data->events);
    free(data->first_sites);
}

/* ---- the whole ---- */

void report_data_write(FILE *to, const struct stacks *stacks, struct profile *const *profiles,
                       size_t count) {
    char *description;
    size_t length;
    struct report_data data = {.stacks = stacks, .group = ""};
    data.to = xopen_memstream(&description, &length);
    fputs("{\"version\":\"" MALLOW_VERSION "\",\"profiles\":[", data.to);
    report_data_add_stacks(&data);
    for (size_t i = 0; i < count; i++) {
        data.profile = profiles[i];
        data.group = i == 0 ? "a." : "b.";
        if (i != 0) putc(',', data.to);
        report_programs_write(data.to, data.profile);
        report_data_add_profile(&data);
    }
    putc(']', data.to);
    if (count == 2) report_changes_add(&data.columns, profiles[0], profiles[1]);
    report_data_write_texts(&data);
    fputs(",\"columns\":", data.to);
    report_columns_describe(&data.columns, data.to);
    putc('}', data.to);
    xclose_memstream(data.to);
    for (int shift = 0; shift < 32; shift += 8) putc((int)(length >> shift & 255), to);
    fwrite(description, 1, length, to);
    report_columns_write(&data.columns, to);
    report_columns_free(&data.columns);
    free(description);
}
