/* Captured stacks have all frames up to a limit, equal stacks share their nodes, and captures are
 * safe where memory is missing or unreadable. tests/stacks compares the frames with those of
 * libunwind. */
#include "unit.h"

#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "failing_os.h"
#include "os/os.h"
#include "stack/call_tree.h"
#include "stack/stack.h"

#define NOINLINE __attribute__((noinline))
#define KEEP_FRAME() __asm__ volatile("" ::: "memory")

static struct stack_cache *cache;
static bool unreadable;

bool __real_os_is_readable(const void *at);
bool __wrap_os_is_readable(const void *at);
bool __wrap_os_is_readable(const void *at) { return !unreadable && __real_os_is_readable(at); }

static stack_id last;
static uint32_t most_nodes;

NOINLINE static void capture_at_each(unsigned depth) {
    uint32_t before = call_tree_nodes();
    last = stack_capture(&cache);
    uint32_t added = call_tree_nodes() - before;
    if (added > most_nodes) most_nodes = added;
    if (depth > 0) capture_at_each(depth - 1);
    KEEP_FRAME();
}

NOINLINE static stack_id capture_below(unsigned depth) {
    stack_id stack = depth == 0 ? stack_capture(&cache) : capture_below(depth - 1);
    KEEP_FRAME();
    return stack;
}

static void shallow_stacks_are_whole(void **state) {
    (void)state;
    uintptr_t frames[STACK_FRAMES_MAX], more[STACK_FRAMES_MAX];
    unsigned n = stack_frames(capture_below(0), frames);
    assert_in_range(n, 4, 40);
    unsigned m = stack_frames(capture_below(10), more);
    assert_int_equal(m, n + 10);
    assert_memory_equal(more + 12, frames + 2, (n - 2) * sizeof *frames);
}

static void equal_stacks_have_one_id(void **state) {
    (void)state;
    stack_id ids[3];
    for (volatile unsigned i = 0; i < 3; i++) {
        if (i == 2) cache = NULL;
        ids[i] = capture_below(20);
    }
    assert_int_equal(ids[0], ids[1]);
    assert_int_equal(ids[0], ids[2]);
    assert_int_not_equal(ids[0], capture_below(20));
}

#define FEW 4u

/* The innermost frames differ, because the two captures are called at different places. */
NOINLINE static void check_few_frames(void) {
    static struct stack_cache *few;
    uintptr_t frames[STACK_FRAMES_MAX], more[STACK_FRAMES_MAX];
    assert_in_range(stack_frames(stack_capture_some(&few, FEW), frames), FEW, STACK_FRAMES_MAX);
    stack_frames(stack_capture(&cache), more);
    assert_memory_equal(frames + 1, more + 1, (FEW - 1) * sizeof *frames);
}

/* Makes one of two calls at each level, which the compiler must not merge. */
NOINLINE static void check_few_below(unsigned path, unsigned depth) {
    if (depth == 0) {
        check_few_frames();
    } else if (path & 1) {
        check_few_below(path >> 1, depth - 1);
        __asm__ volatile("nop" ::: "memory");
    } else {
        check_few_below(path >> 1, depth - 1);
    }
    KEEP_FRAME();
}

static void the_requested_frames_are_right(void **state) {
    (void)state;
    for (unsigned i = 0; i < 5000; i++) check_few_below(i * 2654435761u >> 16, i / 8 % 10);
}

/* Each level adds only its own frame, however deep the recursion is. */
static void a_recursion_is_shared(void **state) {
    (void)state;
    uintptr_t frames[STACK_FRAMES_MAX];
    stack_capture(&cache);
    most_nodes = 0;
    capture_at_each(5000);
    assert_in_range(most_nodes, 1, 8);
    assert_int_equal(stack_frames(last, frames), STACK_FRAMES_MAX);
    for (unsigned i = 2; i < STACK_FRAMES_MAX; i++) assert_int_equal(frames[i], frames[1]);
    assert_int_not_equal(frames[0], frames[1]);
}

/* A stack with unknown callers adds at most twice the frames that are shown. */
static void a_deep_stack_is_cut(void **state) {
    (void)state;
    uintptr_t frames[STACK_FRAMES_MAX];
    uint32_t before = call_tree_nodes();
    cache = NULL;
    stack_id deep = capture_below(3000);
    assert_int_equal(stack_frames(deep, frames), STACK_FRAMES_MAX);
    assert_true(call_tree_nodes() - before <= 2 * STACK_FRAMES_MAX);
    for (volatile unsigned i = 0; i < 10; i++) capture_below(3000 - i * 100);
    assert_true(call_tree_nodes() - before <= 4 * STACK_FRAMES_MAX);
}

/* Captures from the function that the program has called, as the library does. */
NOINLINE static stack_id capture_inside(const void *entry, unsigned depth) {
    stack_id stack = depth == 0 ? stack_capture_from(&cache, STACK_FRAMES_MAX, entry)
                                : capture_inside(entry, depth - 1);
    KEEP_FRAME();
    return stack;
}

NOINLINE static stack_id capture_of_caller(unsigned depth) {
    stack_id stack = capture_inside(__builtin_frame_address(0), depth);
    KEEP_FRAME();
    return stack;
}

NOINLINE static void check_of_caller(unsigned depth) {
    uintptr_t frames[STACK_FRAMES_MAX], whole[STACK_FRAMES_MAX];
    stack_id twice[2];
    for (volatile unsigned i = 0; i < 2; i++) twice[i] = capture_of_caller(depth);
    unsigned n = stack_frames(stack_capture(&cache), whole);
    assert_int_equal(twice[0], twice[1]);
    assert_int_equal(stack_frames(twice[0], frames), n);
    assert_memory_equal(frames + 1, whole + 1, (n - 1) * sizeof *frames);
    assert_in_range(frames[0] - (uintptr_t)check_of_caller, 1,
                    whole[0] - (uintptr_t)check_of_caller);
}

static void a_stack_begins_at_the_entry(void **state) {
    (void)state;
    for (unsigned depth = 0; depth < 3; depth++) check_of_caller(depth);
}

static void left_out_frames_are_the_innermost(void **state) {
    (void)state;
    uintptr_t frames[STACK_FRAMES_MAX], fewer[STACK_FRAMES_MAX];
    unsigned n = stack_frames(capture_below(3), frames);
    stack_leave_out((void *)(frames[0] - 1), (void *)frames[0]);
    stack_id stack = capture_below(3);
    stack_leave_out(NULL, NULL);
    assert_int_equal(stack_frames(stack, fewer), n - 1);
    assert_int_equal(fewer[0], frames[1]);
}

static void without_memory_there_is_no_stack(void **state) {
    (void)state;
    struct stack_cache *none = NULL;
    os_fail(OS_MAP, 1, LONG_MAX);
    assert_int_equal(stack_capture(&none), 0);
    assert_null(none);
    os_fail(OS_MAP, 1, 0);
    assert_int_not_equal(stack_capture(&none), 0);
    assert_non_null(none);
}

static void unreadable_memory_has_no_frames(void **state) {
    (void)state;
    struct stack_cache *fresh = NULL;
    uintptr_t frames[STACK_FRAMES_MAX];
    unreadable = true;
    unsigned n = stack_frames(stack_capture(&fresh), frames);
    unreadable = false;
    assert_int_equal(n, 0);
    n = stack_frames(stack_capture(&fresh), frames);
    assert_true(n > 4);
}

#ifdef __x86_64__
/* Code that a program compiles at run time has no description, but it keeps a frame pointer:
 * push %rbp; mov %rsp, %rbp; call *%rdi; pop %rbp; ret */
static const uint8_t trampoline[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3};
enum { AFTER_ITS_CALL = 6 };

static stack_id captured;
NOINLINE static void capture_now(void) {
    captured = stack_capture(&cache);
    KEEP_FRAME();
}

NOINLINE static void capture_through(void (*code)(void (*)(void))) {
    code(capture_now);
    KEEP_FRAME();
}

static void stacks_continue_after_undescribed_code(void **state) {
    (void)state;
    uintptr_t frames[STACK_FRAMES_MAX], plain[STACK_FRAMES_MAX];
    uint8_t *code =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(code, MAP_FAILED);
    memcpy(code, trampoline, sizeof trampoline);
    stack_id ids[3];
    for (volatile unsigned i = 0; i < 3; i++) {
        capture_through((void (*)(void (*)(void)))(uintptr_t)code);
        ids[i] = captured;
    }
    unsigned n = stack_frames(ids[0], frames), m = stack_frames(stack_capture(&cache), plain);
    assert_int_equal(ids[1], ids[0]);
    assert_int_equal(ids[2], ids[0]);
    assert_int_equal(frames[1], (uintptr_t)code + AFTER_ITS_CALL);
    assert_int_equal(n, m + 3);
    assert_memory_equal(frames + 4, plain + 1, (m - 1) * sizeof *plain);
    munmap(code, 4096);
}
#endif

/* ---- faults ---- */

static sigjmp_buf outside;
static uintptr_t fault_frames[STACK_FRAMES_MAX];
static unsigned fault_depth;

static void fault(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)info;
    fault_depth = stack_frames(stack_capture_interrupted(context), fault_frames);
    siglongjmp(outside, 1);
}

NOINLINE static void call(void (*where)(void)) {
    where();
    KEEP_FRAME();
}

NOINLINE static void write_to(volatile int *where) {
    *where = 1;
    KEEP_FRAME();
}

static bool is_inside(uintptr_t pc, uintptr_t function) { return pc - function < 64; }

static void faults_have_stacks(void **state) {
    (void)state;
    struct sigaction action = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO}, before;
    sigaction(SIGSEGV, &action, &before);
    if (sigsetjmp(outside, 1) == 0) write_to((int *)(uintptr_t)8);
    assert_true(is_inside(fault_frames[0] - 1, (uintptr_t)write_to));
    assert_true(fault_depth > 4);
    if (sigsetjmp(outside, 1) == 0) call((void (*)(void))(uintptr_t)16);
    assert_int_equal(fault_frames[0], 17);
    assert_true(is_inside(fault_frames[1], (uintptr_t)call));
    assert_true(fault_depth > 4);
    sigaction(SIGSEGV, &before, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shallow_stacks_are_whole),
        cmocka_unit_test(equal_stacks_have_one_id),
        cmocka_unit_test(the_requested_frames_are_right),
        cmocka_unit_test(a_recursion_is_shared),
        cmocka_unit_test(a_deep_stack_is_cut),
        cmocka_unit_test(a_stack_begins_at_the_entry),
        cmocka_unit_test(left_out_frames_are_the_innermost),
        cmocka_unit_test(without_memory_there_is_no_stack),
        cmocka_unit_test(unreadable_memory_has_no_frames),
#ifdef __x86_64__
        cmocka_unit_test(stacks_continue_after_undescribed_code),
#endif
        cmocka_unit_test(faults_have_stacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
