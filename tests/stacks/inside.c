/* A shared library that captures stacks, which must not contain the library's own frames. */
#include "inside.h"

static struct stack_cache *cache;

__attribute__((noinline)) static stack_id deeper(unsigned n) {
    stack_id stack = n == 0 ? stack_capture(&cache) : deeper(n - 1);
    __asm__ volatile("" ::: "memory");
    return stack;
}

stack_id capture_inside(unsigned n) { return deeper(n); }

stack_id call_back(stack_id (*function)(void)) {
    stack_id stack = function();
    __asm__ volatile("" ::: "memory");
    return stack;
}

unsigned frames_of(stack_id stack, uintptr_t frames[STACK_FRAMES_MAX]) {
    return stack_frames(stack, frames);
}
