#include "scratch/own_stack.h"

#include <stdint.h>

#include "base/kernel.h"

static __thread struct own_stack {
    uintptr_t low, high; /* 0 if they are unknown */
    bool is_searched;
    bool grows; /* only the stack of the first thread grows */
} own_stack;

static bool own_stack_contains(const char *frame) {
    return (uintptr_t)frame - own_stack.low < own_stack.high - own_stack.low;
}

/* The first thread's stack has the name [stack]. */
static void own_stack_find_first(void) {
    struct kernel_mapping mapping;
    if (!kernel_find_mapping("[stack]", 0, &mapping)) return;
    own_stack.low = mapping.low;
    own_stack.high = mapping.high;
    own_stack.grows = true;
}

/* libc keeps the data of any other thread at the upper end of its stack. The kernel merges adjacent
 * mappings, so the mapping may continue above that with other memory. At the lower end, the guard
 * page of the stack ends the mapping. A stack without a guard page remains unknown. */
static void own_stack_find_other(void) {
    struct kernel_mapping mapping;
    uintptr_t thread = (uintptr_t)__builtin_thread_pointer();
    if (!kernel_find_mapping("", thread, &mapping) || !mapping.is_guarded) return;
    own_stack.low = mapping.low;
    own_stack.high = thread;
}

static void own_stack_find(void) {
    own_stack.is_searched = true;
    if (kernel_is_first_thread())
        own_stack_find_first();
    else
        own_stack_find_other();
}

/* Returns true if a new search may find more than the last one. */
static bool own_stack_is_outdated(void) {
    if (!own_stack.is_searched) return true;
    size_t page = kernel_page();
    return own_stack.grows && kernel_is_mapped((void *)(own_stack.low - page), page);
}

bool own_stack_has_left(const char *frame, const char *running) {
    if (frame >= running || kernel_is_on_signal_stack()) return false;
    bool is_known = own_stack_contains(frame) && own_stack_contains(running);
    if (!is_known && own_stack_is_outdated()) {
        own_stack_find();
        is_known = own_stack_contains(frame) && own_stack_contains(running);
    }
    return is_known;
}
