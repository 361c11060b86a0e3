#include "stacks/stacks.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "stacks/stack_addresses.h"
#include "symbols/function_names.h"

struct stacks *stacks_open(void) {
    struct stacks *stacks = xcalloc(1, sizeof *stacks);
    stacks->list = xgrow(NULL, 0, sizeof *stacks->list);
    stacks->list[0] = (struct stack){.caller = 0};
    stacks->count = 1;
    return stacks;
}

void stacks_free(struct stacks *stacks) {
    texts_free(&stacks->texts);
    index_map_clear(&stacks->frame_numbers);
    index_map_clear(&stacks->numbers);
    index_map_clear(&stacks->pairs);
    free(stacks->frames);
    free(stacks->list);
    free(stacks);
}

/* ---- frames ---- */

/* Returns the same number for the same pair. */
static uint32_t stacks_pair(struct stacks *stacks, uint32_t high, uint32_t low) {
    uint32_t *number = index_map_add(&stacks->pairs, index_map_pair(high, low));
    if (*number == 0) *number = ++stacks->pair_count;
    return *number;
}

uint32_t stacks_add_frame(struct stacks *stacks, struct stack_frame frame) {
    uint32_t source = stacks_pair(stacks, frame.function, frame.file);
    uint32_t place = stacks_pair(stacks, (uint32_t)frame.line * 2 + frame.inlined, frame.module);
    uint32_t *number = index_map_add(&stacks->frame_numbers, index_map_pair(source, place));
    if (*number != 0) return *number - 1;
    frame.is_helper =
        !frame.is_unnamed && function_helps_to_allocate(texts_get(&stacks->texts, frame.function));
    stacks->frames = xgrow(stacks->frames, stacks->frame_count, sizeof *stacks->frames);
    stacks->frames[stacks->frame_count++] = frame;
    *number = (uint32_t)stacks->frame_count;
    return *number - 1;
}

/* ---- the tree ---- */

uint32_t stacks_add_call(struct stacks *stacks, uint32_t caller, uint32_t frame) {
    uint32_t *number = index_map_add(&stacks->numbers, index_map_pair(caller, frame));
    if (*number != 0) return *number;
    stacks->list = xgrow(stacks->list, stacks->count, sizeof *stacks->list);
    stacks->list[stacks->count] = (struct stack){caller, frame};
    return *number = (uint32_t)stacks->count++;
}

/* The functions of an address are listed from the innermost one outwards. */
static void stacks_add_section(struct stacks *stacks, struct stack_addresses *addresses,
                               struct profile_section *section) {
    free(section->stacks);
    section->stacks = xcalloc(section->node_count, sizeof *section->stacks);
    for (size_t i = 1; i < section->node_count; i++) {
        size_t count;
        const uint32_t *frames = stack_addresses_frames(addresses, section, i, &count);
        uint32_t stack = section->stacks[section->nodes[i].caller];
        while (count-- > 0) stack = stacks_add_call(stacks, stack, frames[count]);
        section->stacks[i] = stack;
    }
}

void stacks_add(struct stacks *stacks, const struct profile *profile) {
    struct stack_addresses *addresses = stack_addresses_resolve(stacks, profile);
    for (size_t i = 0; i < profile->count; i++)
        stacks_add_section(stacks, addresses, profile->sections[i]);
    stack_addresses_free(addresses);
}

const struct stack_frame *stacks_headline(const struct stacks *stacks, uint32_t stack) {
    const struct stack_frame *innermost = NULL, *caller = NULL;
    for (int i = 0; stack != 0 && i < STACK_DEPTH_MAX; stack = stacks->list[stack].caller, i++) {
        const struct stack_frame *frame = &stacks->frames[stacks->list[stack].frame];
        if (frame->is_jit) return frame;
        if (innermost == NULL) innermost = frame;
        if (caller == NULL && !frame->is_helper) caller = frame;
    }
    return caller != NULL ? caller : innermost;
}
