/* Stacks of calls, each kept once. */
#ifndef MALLOW_STACK_H
#define MALLOW_STACK_H

#include <stddef.h>
#include <stdint.h>

/* An interned stack; 0 is none. */
typedef uint32_t stack_id;

#define STACK_FRAMES_MAX 64u

/* What a thread remembers of its last stacks, so that the next one costs little. One thread uses
 * it at a time; its owner keeps the pointer, which is NULL at first. */
struct stack_cache;

/* Bytes of one, which is a mapping of its own: whoever gives it up may unmap it. */
size_t stack_cache_bytes(void);

/* The calling thread's stack without the library's own frames, innermost first; 0 when there is no
 * memory. Only so many frames of it are known to be right: what is outside of them is not looked at
 * again each time. entry: what __builtin_frame_address(0) is in a function that is running, at
 * whose caller the stack may begin, since what is inside of it is the library's; NULL: it begins
 * here. */
stack_id stack_capture_from(struct stack_cache **cache, unsigned frames, const void *entry);

static inline stack_id stack_capture_some(struct stack_cache **cache, unsigned frames) {
    return stack_capture_from(cache, frames, NULL);
}

static inline stack_id stack_capture(struct stack_cache **cache) {
    return stack_capture_some(cache, STACK_FRAMES_MAX);
}

/* The same for where a signal interrupted it: context is the handler's ucontext_t. */
stack_id stack_capture_interrupted(const void *context);

/* The frames of one more library are left out where they are the innermost. */
void stack_leave_out(const void *start, const void *end);

/* Fills in the frames, innermost first; how many. Each is a return address: the call is in the
 * byte before it. (A fault's own address is kept with one added, for the same reason.) */
unsigned stack_frames(stack_id stack, uintptr_t frames[STACK_FRAMES_MAX]);

#endif
