/* The samples of an export: figures by stack, process and thread. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "sites/export.h"

const char *const export_value_names[EXPORT_VALUES] = {
    [EXPORT_ALLOCATED_BLOCKS] = "allocated-blocks",
    [EXPORT_ALLOCATED_BYTES] = "allocated-bytes",
    [EXPORT_LIVE_BLOCKS] = "live-blocks",
    [EXPORT_LIVE_BYTES] = "live-bytes",
};

const double export_all[EXPORT_VALUES] = {1, 1, 1, 1};

#define EXPORT_NUMBER_MAX 0x1p62

int64_t export_round(double value) {
    return llround(fmax(-EXPORT_NUMBER_MAX, fmin(EXPORT_NUMBER_MAX, value)));
}

struct export *export_open(void) {
    struct export *to = xcalloc(1, sizeof *to);
    to->stacks = stacks_open();
    to->calls = xgrow(NULL, 0, sizeof *to->calls);
    to->calls[0] = (struct export_call){.caller = 0};
    to->call_count = 1;
    to->first_moment = UINT64_MAX;
    return to;
}

/* ---- processes and mappings ---- */

static uint32_t export_process_of(struct export *to, const struct profile_section *section) {
    char *text = xasprintf("%u %s", section->process.pid, section->program);
    uint32_t *number = index_map_add(&to->process_keys, texts_add(&to->keys, text));
    free(text);
    if (*number != 0) return *number - 1;
    to->processes = xgrow(to->processes, to->process_count, sizeof *to->processes);
    to->processes[to->process_count++] =
        (struct export_process){section->process.pid, section->program};
    *number = (uint32_t)to->process_count;
    return *number - 1;
}

/* Returns the index of a mapping that has the same file at the same address, plus 1. */
static uint32_t export_mapping_of(struct export *to, const struct profile_module *module) {
    char *text;
    size_t length;
    FILE *key = xopen_memstream(&text, &length);
    fprintf(key, "%lx %lx %lx ", module->start, module->end, module->offset);
    for (size_t i = 0; i < module->id_bytes; i++) fprintf(key, "%02x", module->id[i]);
    fprintf(key, " %s", module->path);
    xclose_memstream(key);
    uint32_t *number = index_map_add(&to->mapping_keys, texts_add(&to->keys, text));
    free(text);
    if (*number != 0) return *number;
    to->mappings = xgrow(to->mappings, to->mapping_count, sizeof(struct profile_module *));
    to->mappings[to->mapping_count++] = module;
    return *number = (uint32_t)to->mapping_count;
}

/* pprof takes the first mapping for the program. */
static void export_add_program(struct export *to, const struct profile_section *section) {
    for (size_t i = 0; i < section->module_count; i++)
        if (strcmp(section->modules[i].path, section->program) == 0)
            export_mapping_of(to, &section->modules[i]);
}

/* ---- places and calls ---- */

static uint32_t export_place_of(struct export *to, const struct profile_section *section,
                                uint32_t node, uint32_t process) {
    uint32_t module = profile_section_module_of(section, node);
    uint32_t mapping = module == 0 ? 0 : export_mapping_of(to, &section->modules[module - 1]);
    uint64_t address = section->nodes[node].pc - 1;
    uint32_t *known = index_map_add(&to->addresses, address);
    if (*known == 0) *known = ++to->address_count;
    uint32_t owner = mapping != 0 ? mapping * 2 : process * 2 + 1;
    uint32_t *number = index_map_add(&to->place_keys, index_map_pair(owner, *known));
    if (*number != 0) return *number - 1;
    to->places = xgrow(to->places, to->place_count, sizeof *to->places);
    to->places[to->place_count++] = (struct export_place){
        .address = address,
        .mapping = mapping,
        .first_stack = section->stacks[node],
        .past_stack = section->stacks[section->nodes[node].caller],
    };
    *number = (uint32_t)to->place_count;
    return *number - 1;
}

/* Returns the calls of a section's nodes, which the caller frees. */
static uint32_t *export_calls_of(struct export *to, const struct profile_section *section,
                                 uint32_t process) {
    uint32_t *calls = xcalloc(section->node_count, sizeof *calls);
    for (uint32_t i = 1; i < section->node_count; i++) {
        uint32_t caller = calls[section->nodes[i].caller];
        uint32_t place = export_place_of(to, section, i, process);
        uint32_t *number = index_map_add(&to->call_keys, index_map_pair(caller, place));
        if (*number == 0) {
            to->calls = xgrow(to->calls, to->call_count, sizeof *to->calls);
            to->calls[to->call_count] = (struct export_call){caller, place, section->stacks[i]};
            *number = (uint32_t)to->call_count++;
        }
        calls[i] = *number;
    }
    return calls;
}

/* ---- samples ---- */

struct export_section {
    const struct profile_section *section;
    uint32_t process, *calls;
    const double *factors;
};

static const char *export_thread_name(const struct profile_section *section, uint32_t thread) {
    uint32_t index = index_map_find(&section->thread_numbers, thread);
    return index == 0 ? "" : section->threads[index - 1].name;
}

static double *export_values_of(struct export *to, const struct export_section *of, uint32_t node,
                                uint32_t thread) {
    uint32_t call = of->calls[node];
    uint32_t *known = index_map_add(&to->stack_keys, index_map_pair(of->process, call));
    if (*known == 0) *known = ++to->stack_count;
    uint32_t *number = index_map_add(&to->sample_keys, index_map_pair(*known, thread));
    if (*number != 0) return to->samples[*number - 1].values;
    to->samples = xgrow(to->samples, to->sample_count, sizeof *to->samples);
    struct export_sample *sample = &to->samples[to->sample_count++];
    *sample = (struct export_sample){
        .call = call,
        .process = of->process,
        .thread = thread,
        .thread_name = export_thread_name(of->section, thread),
    };
    *number = (uint32_t)to->sample_count;
    return sample->values;
}

/* The live blocks of a site, by the live samples. */
struct export_shares {
    double blocks, bytes;
};

typedef void (*export_visit)(struct export *to, const struct export_section *of,
                             const struct mallow_profile_live *live, size_t site,
                             struct export_shares *sums, const struct mallow_profile_site *state);

static void export_sum_live(struct export *to, const struct export_section *of,
                            const struct mallow_profile_live *live, size_t site,
                            struct export_shares *sums, const struct mallow_profile_site *state) {
    (void)to, (void)of, (void)state;
    sums[site].blocks += live->blocks;
    sums[site].bytes += live->blocks * (double)live->bytes;
}

/* Moves the sample's share of its site's live blocks to its thread. Sites and samples were read one
 * after the other while the program ran, so their sums can differ slightly: the site's count. */
static void export_move_live(struct export *to, const struct export_section *of,
                             const struct mallow_profile_live *live, size_t site,
                             struct export_shares *sums, const struct mallow_profile_site *state) {
    if (live->thread == 0) return;
    double bytes = live->blocks * (double)live->bytes;
    double blocks_share = live->blocks / sums[site].blocks;
    double bytes_share = sums[site].bytes > 0 ? bytes / sums[site].bytes : 0;
    double moved_blocks = of->factors[EXPORT_LIVE_BLOCKS] * state[site].live.blocks * blocks_share;
    double moved_bytes = of->factors[EXPORT_LIVE_BYTES] * state[site].live.bytes * bytes_share;
    uint32_t node = of->section->sites[site].node;
    double *values = export_values_of(to, of, node, live->thread);
    values[EXPORT_LIVE_BLOCKS] += moved_blocks;
    values[EXPORT_LIVE_BYTES] += moved_bytes;
    values = export_values_of(to, of, node, 0);
    values[EXPORT_LIVE_BLOCKS] -= moved_blocks;
    values[EXPORT_LIVE_BYTES] -= moved_bytes;
}

static void export_visit_live(struct export *to, const struct export_section *of,
                              const struct profile_snapshot *snapshot, export_visit visit,
                              struct export_shares *sums, const struct mallow_profile_site *state) {
    struct mallow_profile_live live;
    for (size_t i = snapshot->first_records; i < snapshot->end_records; i++) {
        struct profile_cursor cursor = profile_lives_of(of->section, i, &live);
        while (profile_next_live(&cursor, &live)) {
            if (!profile_live_is_valid(of->section, &live)) continue;
            uint32_t site =
                index_map_find(&of->section->site_numbers, index_map_pair(live.large, live.node));
            if (site != 0) visit(to, of, &live, site - 1, sums, state);
        }
    }
}

static void export_add_section(struct export *to, const struct export_section *of,
                               const struct profile_snapshot *snapshot) {
    const struct profile_section *section = of->section;
    struct mallow_profile_site *state = profile_state(section, snapshot);
    struct export_shares *sums = xcalloc(section->site_count + 1, sizeof *sums);
    for (size_t i = 0; i < section->site_count; i++) {
        if (state[i].allocated.samples == 0 && state[i].live.samples == 0) continue;
        double *values = export_values_of(to, of, section->sites[i].node, 0);
        const double figures[EXPORT_VALUES] = {
            [EXPORT_ALLOCATED_BLOCKS] = state[i].allocated.blocks,
            [EXPORT_ALLOCATED_BYTES] = state[i].allocated.bytes,
            [EXPORT_LIVE_BLOCKS] = state[i].live.blocks,
            [EXPORT_LIVE_BYTES] = state[i].live.bytes,
        };
        for (int j = 0; j < EXPORT_VALUES; j++) values[j] += of->factors[j] * figures[j];
    }
    if (!to->without_threads) {
        export_visit_live(to, of, snapshot, export_sum_live, sums, state);
        export_visit_live(to, of, snapshot, export_move_live, sums, state);
    }
    free(sums);
    free(state);
}

void export_add(struct export *to, struct profile *profile, const double factors[EXPORT_VALUES]) {
    stacks_add(to->stacks, profile);
    for (size_t i = 0; i < profile->count; i++) {
        const struct profile_section *section = profile->sections[i];
        if (section->snapshot_count == 0) continue;
        const struct profile_snapshot *last = &section->snapshots[section->snapshot_count - 1];
        struct export_section of = {section, export_process_of(to, section), NULL, factors};
        export_add_program(to, section);
        of.calls = export_calls_of(to, section, of.process);
        export_add_section(to, &of, last);
        free(of.calls);
        to->rate = section->process.rate;
    }
    uint64_t first = profile_first_moment(profile), last = profile_last_moment(profile);
    if (first < to->first_moment) to->first_moment = first;
    if (last > to->last_moment) to->last_moment = last;
}

void export_keep_growth(struct export *of) {
    size_t kept = 0;
    for (size_t i = 0; i < of->sample_count; i++)
        if (of->samples[i].values[EXPORT_LIVE_BYTES] > 0) of->samples[kept++] = of->samples[i];
    of->sample_count = kept;
}
