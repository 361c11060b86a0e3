/* Finds the frames of all addresses of a profile, each only once. */
#ifndef MALLOW_STACK_ADDRESSES_H
#define MALLOW_STACK_ADDRESSES_H

#include "profiles/profile.h"
#include "stacks/stacks.h"

struct stack_addresses;

struct stack_addresses *stack_addresses_resolve(struct stacks *stacks,
                                                const struct profile *profile);

/* Returns the frames of a node's address, the innermost first. There is at least one. */
const uint32_t *stack_addresses_frames(struct stack_addresses *addresses,
                                       const struct profile_section *section, size_t node,
                                       size_t *count);

void stack_addresses_free(struct stack_addresses *addresses);

/* Returns the number of the frame (stacks.c). */
uint32_t stacks_add_frame(struct stacks *stacks, struct stack_frame frame);

/* Returns the number of the stack in which `caller` calls the frame's function (stacks.c). */
uint32_t stacks_add_call(struct stacks *stacks, uint32_t caller, uint32_t frame);

#endif
