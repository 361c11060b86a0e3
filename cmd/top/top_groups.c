#include "top/top_groups.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/xalloc.h"
#include "sites/site_groups.h"
#include "sites/site_print.h"
#include "top/top.h"
#include "top/top_names.h"

/* Stacks that are looked up at once, and the share of the time that this may take. */
#define BATCH 4096
#define NAMES_SHARE 40

/* ---- functions ---- */

static void top_groups_look_up_numbers(struct top *top, const uint32_t *numbers, size_t count) {
    struct top_process *process = top->current;
    if (count == 0 || process->profile == NULL) return;
    top_names_look_up(process->names, process->profile, numbers, count);
    top->groups.next = clock_ms() + top_names_cost(process->names) * NAMES_SHARE;
}

static bool top_groups_may_look_up(const struct top *top) {
    return top->is_patient || clock_ms() >= top->groups.next;
}

void top_groups_look_up(struct top *top, const size_t *rows, size_t count) {
    uint32_t *numbers = xcalloc(count + 1, sizeof *numbers);
    size_t wanted = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t number = top->groups.list[rows[i]].number;
        if (top_names_stack(top->current->names, number) == 0) numbers[wanted++] = number;
    }
    if (top_groups_may_look_up(top)) top_groups_look_up_numbers(top, numbers, wanted);
    free(numbers);
}

static void top_groups_look_up_some(struct top *top) {
    struct top_process *process = top->current;
    const struct top_sites *sites = &process->sites;
    size_t limit = top->is_patient ? sites->count : BATCH, wanted = 0;
    if (!top_groups_may_look_up(top)) return;
    uint32_t *numbers = xcalloc(limit + 1, sizeof *numbers);
    for (size_t i = 0; i < sites->count && wanted < limit; i++)
        if (sites->list[i].is_present &&
            top_names_stack(process->names, sites->list[i].number) == 0)
            numbers[wanted++] = sites->list[i].number;
    top_groups_look_up_numbers(top, numbers, wanted);
    free(numbers);
}

/* ---- groups ---- */

/* Returns the group with that key. */
static struct top_group *top_groups_of(struct top_groups *groups, struct index_map *numbers,
                                       uint64_t key) {
    uint32_t *number = index_map_add(numbers, key);
    if (*number != 0) return &groups->list[*number - 1];
    groups->list = xgrow(groups->list, groups->count, sizeof *groups->list);
    struct top_group *group = &groups->list[groups->count++];
    *group = (struct top_group){.number = 0};
    *number = (uint32_t)groups->count;
    return group;
}

/* Returns the same number for sites of the same group. */
static uint64_t top_groups_key(const struct top *top, const struct top_site *site) {
    const struct top_names *names = top->current->names;
    uint32_t stack = top_names_stack(names, site->number);
    const struct stack_frame *frame = stacks_headline(top_names_stacks(names), stack);
    if (frame == NULL) return index_map_pair(2, site->number);
    return top->groups.by == TOP_BY_FUNCTION ? index_map_pair(1, frame->function)
                                             : index_map_pair(0, stack);
}

static void top_groups_add(struct top_group *group, const struct top_site *site) {
    site_add_sum(&group->live, &site->live);
    site_add_sum(&group->allocated, &site->allocated);
    group->rate += site->rate;
    group->rate_variance += site->rate_variance;
    group->call_rate += site->call_rate;
    double bytes = site->live.bytes + site->allocated.bytes * 1e-9;
    if (group->number != 0 && bytes <= group->bytes) return;
    group->number = site->number;
    group->bytes = bytes;
}

void top_groups_build(struct top *top) {
    struct top_groups *groups = &top->groups;
    struct index_map numbers = {0};
    free(groups->list);
    groups->list = NULL;
    groups->count = 0;
    if (top->current == NULL) return;
    if (top->is_patient || groups->by == TOP_BY_FUNCTION) top_groups_look_up_some(top);
    const struct top_sites *sites = &top->current->sites;
    for (size_t i = 0; i < sites->count; i++) {
        if (!sites->list[i].is_present) continue;
        uint64_t key = top_groups_key(top, &sites->list[i]);
        top_groups_add(top_groups_of(groups, &numbers, key), &sites->list[i]);
    }
    index_map_clear(&numbers);
}

char *top_groups_title(const struct top *top, size_t row) {
    const struct top_process *process = top->current;
    uint32_t number = top->groups.list[row].number;
    uint32_t stack = top_names_stack(process->names, number);
    const struct stacks *stacks = top_names_stacks(process->names);
    const struct stack_frame *frame = stacks_headline(stacks, stack);
    if (frame == NULL) return top_names_address(process->profile, number);
    return top->groups.by == TOP_BY_FUNCTION ? site_function_title(stacks, frame)
                                             : site_frame_title(stacks, frame, false);
}
