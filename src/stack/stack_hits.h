/* Repeated stacks: recent stacks of a thread, found by their innermost frame. */
#ifndef MALLOW_STACK_HITS_H
#define MALLOW_STACK_HITS_H

#include "stack/stack_cache.h"

/* Returns the stack whose innermost frame is `frame`, if everything that its `wanted` innermost
 * frames were derived from is unchanged. Returns 0 if the stack must be walked. */
stack_id stack_hits_find(struct stack_cache *cache, const struct frame *frame, unsigned wanted);

/* Remembers the stack that was just captured, if all its frames were kept. */
void stack_hits_keep(struct stack_cache *cache, const struct frame *innermost, unsigned wanted,
                     stack_id stack);

#endif
