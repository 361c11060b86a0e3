/* The functions of allocation sites: looked up when they are shown, each only once. */
#ifndef MALLOW_TOP_NAMES_H
#define MALLOW_TOP_NAMES_H

#include <stdbool.h>

#include "profiles/profile.h"
#include "stacks/stacks.h"

struct top_names;

struct top_names *top_names_open(void);
void top_names_close(struct top_names *names);

/* Returns the tree with the stacks that are known. */
const struct stacks *top_names_stacks(const struct top_names *names);

/* Returns the stack of a node, or 0 if it was not looked up. `number` is the node's number in the
 * profiles of one program, where it never changes its meaning. */
uint32_t top_names_stack(const struct top_names *names, uint32_t number);

/* Looks up the stacks of nodes of the profile's last section. */
void top_names_look_up(struct top_names *names, const struct profile *profile,
                       const uint32_t *numbers, size_t count);

/* Returns the module and offset of a node, as the look-up names an unknown function. The caller
 * frees it. */
char *top_names_address(const struct profile *profile, uint32_t number);

/* Returns the processor time in ms that the last look-up took. */
int64_t top_names_cost(const struct top_names *names);

#endif
