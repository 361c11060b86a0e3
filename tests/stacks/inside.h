/* The interface of inside.c, a shared library that captures stacks. */
#ifndef INSIDE_H
#define INSIDE_H

#include "stack/stack.h"

/* Captures a stack N calls deep inside the library. */
stack_id capture_inside(unsigned n);
stack_id call_back(stack_id (*function)(void));
unsigned frames_of(stack_id stack, uintptr_t frames[STACK_FRAMES_MAX]);

#endif
