/* Scopes end even if longjmp leaves them, and work in signal handlers and in coroutines. */
#include "scratch_blocks.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>

#include "mapped.h"

/* ---- jumps ---- */

static jmp_buf target;

static NOINLINE int jump_from(int depth, size_t size) {
    MALLOW_SCRATCH(scratch);
    fill(mallow_scratch_alloc(&scratch, size), size, depth);
    if (depth == 0) longjmp(target, 1);
    return depth < 0 ? 0 : 1 + jump_from(depth - 1, size);
}

static NOINLINE void jump_many_times(volatile int times, size_t size) {
    while (times-- > 0)
        if (setjmp(target) == 0) jump_from((int)below(30), size);
}

static void jumps_free_blocks(void **state) {
    (void)state;
    jump_many_times(2000, 100);
    uint64_t before = mapped();
    jump_many_times(2000, 100);
    jump_many_times(100, 50000);
    end_a_scope();
    assert_true(mapped() <= before + 400000);
}

static void an_outer_scope_survives_jumps(void **state) {
    (void)state;
    MALLOW_SCRATCH(scratch);
    char *block = mallow_scratch_alloc(&scratch, 1000);
    fill(block, 1000, 5);
    jump_many_times(2000, 300);
    check(block, 1000, 5);
    fill(mallow_scratch_alloc(&scratch, 1000), 1000, 6);
    jump_many_times(2000, 300);
    check(block, 1000, 5);
}

/* ---- signal handlers ---- */

static volatile sig_atomic_t handled;
static volatile bool handler_jumps;
static sigjmp_buf interrupted;

static void handle(int signal) {
    (void)signal;
    MALLOW_SCRATCH(scratch);
    size_t size = handled % 50 == 0 ? 60000 : 100;
    char *block = mallow_scratch_alloc(&scratch, size);
    memset(block, 9, size);
    handled++;
    end_a_scope();
    for (size_t i = 0; i < size; i++)
        if (block[i] != 9) abort();
    if (handler_jumps && handled % 3 == 0) siglongjmp(interrupted, 1);
}

static void run_with_signals(bool jumps) {
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK | SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec often = {{0, 50000}, {0, 50000}};
    timer_t timer;
    handled = 0;
    handler_jumps = jumps;
    sigaction(SIGUSR1, &action, NULL);
    assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    timer_settime(timer, 0, &often, NULL);
    for (volatile int i = 0; i < 100000 && handled < 1000; i++)
        if (sigsetjmp(interrupted, 1) == 0) nest(4);
    timer_delete(timer);
    signal(SIGUSR1, SIG_IGN);
    end_a_scope();
    assert_in_range(handled, 100, 100000);
}

static void handlers_have_scopes(void **state) {
    (void)state;
    MALLOW_SCRATCH(scratch);
    char *block = mallow_scratch_alloc(&scratch, 1000);
    fill(block, 1000, 5);
    run_with_signals(false);
    run_with_signals(true);
    check(block, 1000, 5);
}

/* The handler's stack lies in the frame of a function whose callee has a scope. */
static void handlers_have_a_stack_of_their_own(void **state) {
    (void)state;
    char memory[64 * 1024];
    stack_t stack = {.ss_sp = memory, .ss_size = sizeof memory}, before;
    assert_int_equal(sigaltstack(&stack, &before), 0);
    run_with_signals(false);
    run_with_signals(true);
    sigaltstack(&before, NULL);
}

static void begin_in_a_new_chunk(int signal) {
    (void)signal;
    end_a_scope();
}

/* The interrupted code may already have read the state of the stack, so it must not change. */
static void a_handler_leaves_the_stack_as_it_was(void **state) {
    (void)state;
    MALLOW_SCRATCH(scratch);
    mallow_scratch_alloc(&scratch, 100);
    while (mallow_scratch_stack.at < mallow_scratch_stack.end) mallow_scratch_alloc(&scratch, 16);
    signal(SIGUSR1, begin_in_a_new_chunk);
    struct mallow_scratch_stack before = mallow_scratch_stack;
    raise(SIGUSR1);
    assert_memory_equal(&mallow_scratch_stack, &before, sizeof before);
    signal(SIGUSR1, SIG_IGN);
}

/* ---- coroutines ---- */

enum { COROUTINES = 50, STACK_BYTES = 64 * 1024 };
static ucontext_t scheduler, coroutines[COROUTINES];
static int running;

static void yield(void) { swapcontext(&coroutines[running], &scheduler); }

static NOINLINE void coroutine_part(int number, int depth) {
    MALLOW_SCRATCH(scratch);
    size_t size = 10 + below(2000);
    char *block = mallow_scratch_alloc(&scratch, size);
    fill(block, size, number + depth);
    yield();
    if (depth > 0) coroutine_part(number, depth - 1);
    char *later = mallow_scratch_alloc(&scratch, 100);
    fill(later, 100, number);
    yield();
    check(block, size, number + depth);
    check(later, 100, number);
}

static void coroutine(int number) {
    for (;;) coroutine_part(number, (int)below(5));
}

static void run_coroutines(int turns) {
    for (int i = 0; i < turns; i++) {
        running = (int)below(COROUTINES);
        swapcontext(&scheduler, &coroutines[running]);
    }
}

static void coroutines_do_not_disturb_each_other(void **state) {
    (void)state;
    char *stacks = malloc((size_t)COROUTINES * STACK_BYTES);
    for (int i = 0; i < COROUTINES; i++) {
        getcontext(&coroutines[i]);
        coroutines[i].uc_stack.ss_sp = stacks + (size_t)i * STACK_BYTES;
        coroutines[i].uc_stack.ss_size = STACK_BYTES;
        makecontext(&coroutines[i], (void (*)(void))coroutine, 1, i);
    }
    MALLOW_SCRATCH(scratch);
    char *block = mallow_scratch_alloc(&scratch, 1000);
    fill(block, 1000, 5);
    run_coroutines(20000);
    uint64_t before = mapped();
    run_coroutines(50000);
    assert_true(mapped() <= before + 2000000); /* 50 to 300 live scopes, at most a chunk for each */
    check(block, 1000, 5);
    free(stacks);
}

/* The library knows only one thing about a coroutine's stack: two scopes cannot exist at one
 * address. */
static void jumping_coroutine(void) {
    jump_many_times(3000, 1000);
    swapcontext(&coroutines[0], &scheduler);
}

static void jumps_free_blocks_in_coroutines(void **state) {
    (void)state;
    char *stack = malloc(STACK_BYTES);
    uint64_t before = mapped();
    getcontext(&coroutines[0]);
    coroutines[0].uc_stack.ss_sp = stack;
    coroutines[0].uc_stack.ss_size = STACK_BYTES;
    makecontext(&coroutines[0], jumping_coroutine, 0);
    MALLOW_SCRATCH(scratch);
    fill(mallow_scratch_alloc(&scratch, 100), 100, 1);
    swapcontext(&scheduler, &coroutines[0]);
    assert_true(mapped() <= before + 3000000); /* 30 addresses, at most one chunk for each */
    free(stack);
}

enum { HALF = 256 * 1024 };

static void coroutine_with_a_block(void) {
    MALLOW_SCRATCH(scratch);
    char *block = mallow_scratch_alloc(&scratch, 1000);
    fill(block, 1000, 7);
    swapcontext(&coroutines[0], &scheduler);
    check(block, 1000, 7);
    swapcontext(&coroutines[0], &scheduler);
}

static NOINLINE void prepare_on(void *stack) {
    getcontext(&coroutines[0]);
    coroutines[0].uc_stack.ss_sp = stack;
    coroutines[0].uc_stack.ss_size = HALF;
    makecontext(&coroutines[0], coroutine_with_a_block, 0);
}

static NOINLINE void resume(void) { swapcontext(&scheduler, &coroutines[0]); }

static void *run_next_to_a_coroutine(void *stack) {
    MALLOW_SCRATCH(scratch);
    char *block = mallow_scratch_alloc(&scratch, 1000);
    fill(block, 1000, 5);
    prepare_on(stack);
    for (int i = 0; i < 2; i++) {
        resume();
        end_a_scope();
        fill(mallow_scratch_alloc(&scratch, 1000), 1000, 6);
        check(block, 1000, 5);
    }
    return NULL;
}

/* The stacks are in one mapping of the kernel. */
static void run_in(char *stacks, bool coroutine_is_above) {
    pthread_attr_t attributes;
    pthread_t thread;
    char *own = coroutine_is_above ? stacks : stacks + HALF;
    char *other = coroutine_is_above ? stacks + HALF : stacks;
    pthread_attr_init(&attributes);
    assert_int_equal(pthread_attr_setstack(&attributes, own, HALF), 0);
    assert_int_equal(pthread_create(&thread, &attributes, run_next_to_a_coroutine, other), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
}

static void the_stack_of_a_thread_has_bounds(void **state) {
    (void)state;
    char *guard = mmap(NULL, 3 * HALF, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *stacks = guard + HALF;
    assert_int_equal(mprotect(stacks, 2 * HALF, PROT_READ | PROT_WRITE), 0);
    run_in(stacks, true);
    munmap(guard, HALF); /* without a guard, nothing is known about the lower end */
    run_in(stacks, false);
    munmap(stacks, 2 * HALF);
}

/* ---- threads ---- */

static void *jump_in_a_thread(void *unused) {
    jump_many_times(2000, 100);
    uint64_t before = mapped();
    jump_many_times(2000, 100);
    assert_true(mapped() <= before + 400000);
    return unused;
}

static void jumps_free_blocks_in_threads(void **state) {
    pthread_t thread;
    (void)state;
    pthread_create(&thread, NULL, jump_in_a_thread, NULL);
    pthread_join(thread, NULL);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jumps_free_blocks),
        cmocka_unit_test(an_outer_scope_survives_jumps),
        cmocka_unit_test(handlers_have_scopes),
        cmocka_unit_test(handlers_have_a_stack_of_their_own),
        cmocka_unit_test(a_handler_leaves_the_stack_as_it_was),
        cmocka_unit_test(coroutines_do_not_disturb_each_other),
        cmocka_unit_test(jumps_free_blocks_in_coroutines),
        cmocka_unit_test(the_stack_of_a_thread_has_bounds),
        cmocka_unit_test(jumps_free_blocks_in_threads),
    };
    if (argc == 2) cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
