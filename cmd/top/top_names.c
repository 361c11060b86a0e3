#include "top/top_names.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/xalloc.h"
#include "symbols/function_names.h"

struct top_names {
    struct stacks *stacks;
    struct index_map known; /* numbers of nodes, to numbers of stacks */
    int64_t cost;
};

struct top_names *top_names_open(void) {
    struct top_names *names = xcalloc(1, sizeof *names);
    names->stacks = stacks_open();
    return names;
}

void top_names_close(struct top_names *names) {
    if (names == NULL) return;
    stacks_free(names->stacks);
    index_map_clear(&names->known);
    free(names);
}

const struct stacks *top_names_stacks(const struct top_names *names) { return names->stacks; }

uint32_t top_names_stack(const struct top_names *names, uint32_t number) {
    return index_map_find(&names->known, number);
}

int64_t top_names_cost(const struct top_names *names) { return names->cost; }

static const struct profile_section *top_names_section(const struct profile *profile) {
    return profile->sections[profile->count - 1];
}

/* ---- a part of a profile ---- */

/* A section with the same modules that has only some of the nodes. */
struct top_names_part {
    const struct profile_section *from;
    struct profile_section section;
    uint32_t *indexes; /* of the nodes of `from`, in the part; 0: not in it */
};

/* Adds a node after its callers. Returns its index. Callers have lower indexes than what they call,
 * so the depth is limited by the number of nodes. */
static uint32_t top_names_add_node(struct top_names_part *part, uint32_t node) {
    uint32_t chain = node, depth = 0;
    for (; chain != 0 && part->indexes[chain] == 0; chain = part->from->nodes[chain].caller)
        depth++;
    struct profile_section *section = &part->section;
    size_t first = section->node_count, last = first + depth;
    for (uint32_t i = 0; i < depth; i++)
        section->nodes = xgrow(section->nodes, section->node_count++, sizeof *section->nodes);
    for (chain = node; last-- > first; chain = part->from->nodes[chain].caller) {
        section->nodes[last] = part->from->nodes[chain];
        part->indexes[chain] = (uint32_t)last;
    }
    for (chain = node; depth-- > 0; chain = part->from->nodes[chain].caller)
        section->nodes[part->indexes[chain]].caller =
            part->indexes[part->from->nodes[chain].caller];
    return part->indexes[node];
}

static void top_names_begin_part(struct top_names_part *part, const struct profile_section *from) {
    *part = (struct top_names_part){.from = from, .section = *from};
    part->indexes = xcalloc(from->node_count, sizeof *part->indexes);
    part->section.nodes = xgrow(NULL, 0, sizeof *part->section.nodes);
    part->section.nodes[0] = (struct profile_node){.pc = 0};
    part->section.node_count = 1;
    part->section.stacks = NULL;
}

static int64_t top_names_processor_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void top_names_look_up(struct top_names *names, const struct profile *profile,
                       const uint32_t *numbers, size_t count) {
    int64_t start = top_names_processor_us();
    struct top_names_part part;
    struct profile_section *section = &part.section;
    const struct profile_section *from = top_names_section(profile);
    struct profile whole = {.name = profile->name, .process = profile->process, .count = 1};
    whole.sections = &section;
    top_names_begin_part(&part, from);
    for (size_t i = 0; i < count; i++) {
        uint32_t node = index_map_find(&from->node_numbers, numbers[i]);
        if (node != 0) top_names_add_node(&part, node);
    }
    stacks_add(names->stacks, &whole);
    for (size_t i = 0; i < count; i++) {
        uint32_t node = index_map_find(&from->node_numbers, numbers[i]);
        if (node != 0)
            *index_map_add(&names->known, numbers[i]) = section->stacks[part.indexes[node]];
    }
    free(section->stacks);
    free(section->nodes);
    free(part.indexes);
    names->cost = (top_names_processor_us() - start + 999) / 1000;
}

char *top_names_address(const struct profile *profile, uint32_t number) {
    const struct profile_section *section = top_names_section(profile);
    uint32_t node = index_map_find(&section->node_numbers, number);
    if (node == 0) return xstrdup("unknown stack");
    uint64_t pc = section->nodes[node].pc;
    uint32_t index = section->nodes[node].module;
    if (index == 0) return xasprintf("0x%lx", pc);
    const struct profile_module *module = &section->modules[index - 1];
    return xasprintf("%s+0x%lx", file_base_name(module->path), pc - module->start + module->offset);
}
