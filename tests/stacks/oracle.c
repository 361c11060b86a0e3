/* Compares captured stacks with those that libunwind finds. */
#include "oracle.h"

#define UNW_LOCAL_ONLY
#include <libunwind.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "check.h"
#include "stack/stack.h"

/* A handler that interrupts a capture uses the next one. */
static _Thread_local struct stack_cache *caches[4];
static _Thread_local volatile unsigned in_use;
static _Atomic unsigned long comparisons;
static _Atomic unsigned depth_seen;

unsigned long compared(void) { return comparisons; }
unsigned deepest(void) { return depth_seen; }

void forget_objects(void) { unw_flush_cache(unw_local_addr_space, 0, 0); }

static void differ(const uintptr_t *ours, unsigned n, const uintptr_t *theirs, unsigned m) {
    for (unsigned i = 0; i < n || i < m; i++)
        fprintf(stderr, "%3u  %#14lx  %#14lx%s\n", i, i < n ? ours[i] : 0, i < m ? theirs[i] : 0,
                i < n && i < m && ours[i] == theirs[i] ? "" : "  <--");
    check_failed("comparison %lu: the stacks differ\n", comparisons);
}

static bool is_interrupted(unw_cursor_t *cursor) { return unw_is_signal_frame(cursor) > 0; }

/* Adds one byte to the program counter of an interrupted frame, as a captured stack does. */
static unsigned walk(unw_cursor_t *cursor, uintptr_t frames[STACK_FRAMES_MAX]) {
    unsigned n = 0;
    do {
        unw_word_t ip;
        unw_get_reg(cursor, UNW_REG_IP, &ip);
        if (ip == 0) break;
        frames[n++] = ip + (is_interrupted(cursor) ? 1 : 0);
    } while (n < STACK_FRAMES_MAX && unw_step(cursor) > 0);
    return n;
}

/* In the last instructions of a function that has aligned its stack by r10, libunwind finds no
 * caller. Then the captured stack must at least end with the thread's outermost frame. */
static _Thread_local uintptr_t outermost;

static bool gave_up(const uintptr_t *ours, unsigned n, unsigned m) {
    return m == 1 && n > 1 && (n == STACK_FRAMES_MAX || ours[n - 1] == outermost);
}

static void check_same(const uintptr_t *ours, unsigned n, const uintptr_t *theirs, unsigned m) {
    bool same = n == m || gave_up(ours, n, m);
    for (unsigned i = 0; same && i < n && i < m; i++) same = ours[i] == theirs[i];
    if (!same) differ(ours, n, theirs, m);
    comparisons++;
    if (outermost == 0 && n < STACK_FRAMES_MAX) outermost = ours[n - 1];
    if (n > depth_seen) depth_seen = n;
}

__attribute__((noinline)) void compare(void) {
    uintptr_t ours[STACK_FRAMES_MAX], theirs[STACK_FRAMES_MAX];
    unw_context_t context;
    unw_cursor_t cursor;
    stack_id stack = stack_capture(&caches[in_use++]);
    in_use--;
    unsigned n = stack_frames(stack, ours);
    unw_getcontext(&context);
    unw_init_local(&cursor, &context);
    unsigned m = walk(&cursor, theirs);
    CHECK(n > 1 && m > 1);
    /* The first frame is this function itself, at two different calls. */
    check_same(ours + 1, n - 1, theirs + 1, m - 1);
}

__attribute__((noinline)) void compare_interrupted(const void *context) {
    uintptr_t ours[STACK_FRAMES_MAX], theirs[STACK_FRAMES_MAX];
    unw_context_t here;
    unw_cursor_t cursor;
    unsigned n = stack_frames(stack_capture_interrupted(context), ours);
    unw_getcontext(&here);
    unw_init_local(&cursor, &here);
    /* If it started at the context itself, libunwind would stop in entries of the PLT. */
    while (!is_interrupted(&cursor)) CHECK(unw_step(&cursor) > 0);
    check_same(ours, n, theirs, walk(&cursor, theirs));
}
