#include "own_stack.h"

#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>

#include "kernel.h"

struct own_stack_bounds {
    uintptr_t low, high;
};

static __thread struct own_stack_bounds own_stack_known;

static bool own_stack_contains(const char *frame) {
    return (uintptr_t)frame - own_stack_known.low < own_stack_known.high - own_stack_known.low;
}

/* Finds the mapping of the stack. The first thread's stack has the name [stack]. The stacks of
 * other threads have no name, but libc keeps the thread's data at the upper end of the stack. The
 * mapping may continue above that, because the kernel merges adjacent mappings; below, the guard
 * page of the stack ends it. If the program has put a stack into the mapping [heap], it remains
 * unknown.
 */
static void own_stack_find(void) {
    struct kernel_mapping mapping;
    uintptr_t thread = (uintptr_t)__builtin_thread_pointer();
    if (kernel_is_first_thread()) {
        if (kernel_find_mapping("[stack]", 0, &mapping))
            own_stack_known = (struct own_stack_bounds){mapping.low, mapping.high};
    } else if (kernel_find_mapping("", thread, &mapping)) {
        own_stack_known = (struct own_stack_bounds){mapping.low, thread};
    }
}

/* Returns true if the bounds are unknown, or may be too small because the stack has grown. Only the
 * first thread's stack grows. */
static bool own_stack_has_grown(void) {
    size_t page = kernel_page();
    return own_stack_known.low == 0 || kernel_is_mapped((void *)(own_stack_known.low - page), page);
}

bool own_stack_has_left(const char *frame, const char *running) {
    if (frame >= running || kernel_is_on_signal_stack()) return false;
    if (!own_stack_contains(frame) || !own_stack_contains(running)) {
        if (!own_stack_has_grown()) return false;
        own_stack_find();
    }
    return own_stack_contains(frame) && own_stack_contains(running);
}
