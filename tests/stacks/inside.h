#ifndef INSIDE_H
#define INSIDE_H

#include "stack/stack.h"

/* Captured so many calls inside of the library. */
stack_id capture_inside(unsigned n);
stack_id call_back(stack_id (*function)(void));
unsigned frames_of(stack_id stack, uintptr_t frames[STACK_FRAMES_MAX]);

#endif
