/* Call stacks, each stored once. */
#ifndef MALLOW_STACK_H
#define MALLOW_STACK_H

#include <stddef.h>
#include <stdint.h>

#include "stack/call_tree.h"

#define STACK_FRAMES_MAX 64u

/* The last stacks of a thread, which make the next capture cheap. Only one thread may use it at a
 * time. Its owner keeps the pointer, which is NULL at first. */
struct stack_cache;

/* Returns the size of a cache in bytes. A cache is a mapping, and its owner may unmap it. */
size_t stack_cache_bytes(void);

/* Captures the calling thread's stack without the library's own frames. Returns 0 if there is no
 * memory. Only the innermost `frames` frames are certain to be right; frames outside of them are
 * not checked again each time. `entry` is the __builtin_frame_address(0) of a library function that
 * is running: the capture may begin at its caller, because the inner frames belong to the library.
 * If it is NULL, the capture begins here. */
stack_id stack_capture_from(struct stack_cache **cache, unsigned frames, const void *entry);

static inline stack_id stack_capture_some(struct stack_cache **cache, unsigned frames) {
    return stack_capture_from(cache, frames, NULL);
}

static inline stack_id stack_capture(struct stack_cache **cache) {
    return stack_capture_some(cache, STACK_FRAMES_MAX);
}

/* Captures the stack of the code that a signal interrupted. `context` is the ucontext_t of the
 * handler. */
stack_id stack_capture_interrupted(const void *context);

/* Also leaves out innermost frames that belong to another library, which is at [start, end). Not
 * thread-safe. */
void stack_leave_out(const void *start, const void *end);

/* Stores the frames, innermost first, and returns their number. Each is a return address: the call
 * instruction ends at the byte before it. (To fit this rule, the address of a fault is stored with
 * 1 added.) */
unsigned stack_frames(stack_id stack, uintptr_t frames[STACK_FRAMES_MAX]);

#endif
