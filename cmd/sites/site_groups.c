#include "sites/site_groups.h"

#include <stdlib.h>

#include "common/xalloc.h"

const char *const site_by_names[BY_COUNT] = {
    [BY_FUNCTION] = "function", [BY_STACK] = "stack",     [BY_FILE] = "file",
    [BY_MODULE] = "module",     [BY_PROCESS] = "process", [BY_THREAD] = "thread",
};

struct site_groups *site_groups_open(struct stacks *stacks, enum site_by by) {
    struct site_groups *groups = xcalloc(1, sizeof *groups);
    groups->stacks = stacks;
    groups->by = by;
    return groups;
}

void site_groups_free(struct site_groups *groups) {
    index_map_clear(&groups->numbers);
    index_map_clear(&groups->threads);
    free(groups->list);
    free(groups);
}

/* ---- keys ---- */

/* The last name that a thread had counts. */
static uint32_t site_groups_thread(struct site_groups *groups,
                                   const struct profile_section *section, uint32_t thread) {
    uint32_t index = index_map_find(&section->thread_numbers, thread);
    const char *name = index == 0 ? "" : section->threads[index - 1].name;
    char *text = *name == '\0' ? xasprintf("%u", thread) : xasprintf("%u (%s)", thread, name);
    uint32_t number = texts_add(&groups->stacks->texts, text);
    free(text);
    return number;
}

/* A process that has executed several programs has a group for each of them. */
static uint32_t site_groups_process(struct site_groups *groups,
                                    const struct profile_section *section) {
    char *text = xasprintf("%u (%s)", section->process.pid, section->program);
    uint32_t number = texts_add(&groups->stacks->texts, text);
    free(text);
    return number;
}

static uint32_t site_groups_key(struct site_groups *groups, const struct profile_section *section,
                                uint32_t stack, uint32_t thread) {
    if (groups->by == BY_THREAD) return site_groups_thread(groups, section, thread);
    if (groups->by == BY_PROCESS) return site_groups_process(groups, section);
    if (groups->by == BY_STACK) return stack;
    const struct stack_frame *frame = stacks_headline(groups->stacks, stack);
    if (frame == NULL) return 0;
    return groups->by == BY_FILE     ? frame->file
           : groups->by == BY_MODULE ? frame->module
                                     : frame->function;
}

size_t site_groups_of(struct site_groups *groups, const struct profile_section *section,
                      uint32_t node, uint32_t thread) {
    uint32_t key = site_groups_key(groups, section, section->stacks[node], thread);
    uint32_t *number = index_map_add(&groups->numbers, key);
    if (*number != 0) return *number - 1;
    groups->list = xgrow(groups->list, groups->count, sizeof *groups->list);
    groups->list[groups->count++] = (struct site_group){.key = key};
    *number = (uint32_t)groups->count;
    return *number - 1;
}

/* ---- sums ---- */

void site_add_sum(struct mallow_profile_sum *to, const struct mallow_profile_sum *sum) {
    to->samples += sum->samples;
    to->blocks += sum->blocks;
    to->bytes += sum->bytes;
    to->variance += sum->variance;
}

/* Remembers the stack with the most live bytes or, if none is live, with the most allocated ones.
 */
static void site_groups_add_stack(struct site_group *group, uint32_t stack, double live_bytes,
                                  double allocated_bytes) {
    double bytes = live_bytes + allocated_bytes * 1e-9;
    if (group->stack != 0 && bytes <= group->stack_bytes) return;
    group->stack = stack;
    group->stack_bytes = bytes;
}

static void site_groups_add_sites(struct site_groups *groups, const struct profile_section *section,
                                  const struct profile_snapshot *snapshot, int which) {
    struct mallow_profile_site *state = profile_state(section, snapshot);
    for (size_t i = 0; i < section->site_count; i++) {
        const struct mallow_profile_site *site = &state[i];
        uint32_t node = section->sites[i].node;
        if (site->allocated.samples == 0 && site->live.samples == 0) continue;
        size_t index = site_groups_of(groups, section, node, 0);
        struct site_group *group = &groups->list[index];
        struct site_figures *figures = &group->figures[which];
        site_add_sum(&figures->allocated, &site->allocated);
        site_add_sum(&figures->live, &site->live);
        site_add_sum(&figures->inherited, &site->inherited);
        for (size_t j = 0; j < MALLOW_PROFILE_LIFETIMES; j++) figures->freed[j] += site->freed[j];
        site_groups_add_stack(group, section->stacks[node], site->live.bytes,
                              site->allocated.bytes);
    }
    free(state);
}

/* ---- live samples ---- */

static void site_groups_count_thread(struct site_groups *groups, size_t index, uint32_t thread,
                                     int which) {
    uint32_t *counted = index_map_add(
        &groups->threads, index_map_pair((uint32_t)index * 2 + (uint32_t)which, thread));
    if (*counted == 0) groups->list[index].figures[which].threads++;
    *counted = 1;
}

static void site_groups_add_age(struct site_figures *figures, double blocks, double age) {
    size_t i = 0;
    while (i < MALLOW_PROFILE_LIFETIMES - 1 && age >= site_lifetime_ends[i]) i++;
    bool first = figures->oldest == 0 && figures->youngest == 0;
    figures->aged[i] += blocks;
    if (first || age > figures->oldest) figures->oldest = age;
    if (first || age < figures->youngest) figures->youngest = age;
}

/* The sites have the sums, except those of threads. */
static void site_groups_add_live(struct site_groups *groups, const struct profile_section *section,
                                 uint64_t now, const struct mallow_profile_live *live, int which) {
    uint32_t node = index_map_find(&section->node_numbers, live->node);
    size_t index = site_groups_of(groups, section, node, live->thread);
    struct site_group *group = &groups->list[index];
    struct site_figures *figures = &group->figures[which];
    double bytes = (double)live->bytes * live->blocks;
    double variance = (double)live->bytes * bytes * (live->blocks - 1);
    double age = live->time < now ? (double)(now - live->time) / 1e9 : 0;
    if (live->lost == 1) {
        figures->lost_blocks += live->blocks;
        figures->lost_bytes += bytes;
        figures->lost_variance += variance;
    }
    site_groups_add_age(figures, live->blocks, age);
    site_groups_count_thread(groups, index, live->thread, which);
    if (groups->by != BY_THREAD) return;
    struct mallow_profile_sum sum = {1, live->blocks, bytes, variance};
    site_add_sum(&figures->live, &sum);
    site_groups_add_stack(group, section->stacks[node], bytes, 0);
}

void site_groups_add(struct site_groups *groups, const struct profile_section *section,
                     const struct profile_snapshot *snapshot, int which) {
    struct mallow_profile_live live;
    if (snapshot == NULL) return;
    if (groups->by != BY_THREAD) {
        site_groups_add_sites(groups, section, snapshot, which);
        site_groups_add_peaks(groups, section, snapshot, which);
    }
    for (size_t i = snapshot->first_records; i < snapshot->end_records; i++) {
        struct profile_cursor cursor = profile_lives_of(section, i, &live);
        while (profile_next_live(&cursor, &live))
            if (profile_live_is_valid(section, &live))
                site_groups_add_live(groups, section, snapshot->totals.time, &live, which);
    }
}
