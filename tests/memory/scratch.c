/* Scratch blocks keep their content until their scope ends. They are freed even if longjmp or the
 * end of the thread ends the scope, and in signal handlers and coroutines. */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "mallow/scratch.h"

#define NOINLINE __attribute__((noinline))

/* Does not call rand(): a handler that jumps out of rand() would leave its lock held. */
static unsigned below(unsigned limit) {
    static _Thread_local unsigned seed;
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % limit;
}

static uint64_t mapped(void) {
    unsigned long long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    assert_int_equal(fscanf(statm, "%llu", &pages), 1);
    fclose(statm);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void fill(char *block, size_t size, int value) {
    assert_non_null(block);
    assert_int_equal((uintptr_t)block % 16, 0);
    memset(block, value, size);
}

static void check(const char *block, size_t size, int value) {
    for (size_t i = 0; i < size; i++)
        if (block[i] != (char)value) fail_msg("byte %zu of %zu changed", i, size);
}

static size_t any_size(void) {
    return below(100) == 0 ? below(100000) : below(10) == 0 ? below(4000) : below(100);
}

/* ---- scopes in scopes ---- */

/* Allocates before, between and after the scopes of other frames. */
static NOINLINE void nest(int depth) {
    MALLOW_SCRATCH(scratch);
    char *blocks[4];
    size_t sizes[4];
    for (int i = 0; i < 4; i++) {
        sizes[i] = any_size();
        blocks[i] = mallow_scratch_alloc(&scratch, sizes[i]);
        fill(blocks[i], sizes[i], depth + i);
        for (int n = depth > 0 ? (int)below(3) : 0; n > 0; n--) nest(depth - 1 - (int)below(3));
        if (below(2) == 0) {
            MALLOW_SCRATCH(inner);
            fill(mallow_scratch_zalloc(&inner, 50), 50, 7);
        }
    }
    for (int i = 0; i < 4; i++) check(blocks[i], sizes[i], depth + i);
}

static void blocks_keep_their_content(void **state) {
    (void)state;
    nest(3);
    uint64_t before = mapped();
    for (int i = 0; i < 100; i++) nest(6);
    assert_true(mapped() <= before + 300000);
}

/* The outer scope allocates while inner ones exist, in the same chunk and in later ones. */
static void an_outer_scope_may_allocate(void **state) {
    (void)state;
    MALLOW_SCRATCH(outer);
    char *blocks[400];
    for (int i = 0; i < 400; i++) {
        MALLOW_SCRATCH(inner);
        char *block = mallow_scratch_alloc(&inner, 300);
        fill(block, 300, 1);
        blocks[i] = mallow_scratch_alloc(&outer, 200);
        fill(blocks[i], 200, i);
        check(block, 300, 1);
        fill(mallow_scratch_alloc(&inner, 300), 300, 2);
    }
    for (int i = 0; i < 400; i++) check(blocks[i], 200, i);
}

static NOINLINE int recurse(int depth) {
    MALLOW_SCRATCH(scratch);
    char *text = mallow_scratch_printf(&scratch, "%d", depth);
    int below_this = depth == 0 ? 0 : recurse(depth - 1);
    return below_this + (atoi(text) == depth);
}

static void depth_is_not_limited(void **state) {
    (void)state;
    assert_int_equal(recurse(20000), 20001);
    uint64_t before = mapped();
    assert_int_equal(recurse(20000), 20001);
    assert_true(mapped() <= before + 100000);
}

static void copies_and_texts(void **state) {
    (void)state;
    MALLOW_SCRATCH(scratch);
    assert_string_equal(mallow_scratch_strdup(&scratch, "copy"), "copy");
    assert_string_equal(mallow_scratch_strndup(&scratch, "copy", 2), "co");
    assert_memory_equal(mallow_scratch_memdup(&scratch, "ab\0cd", 5), "ab\0cd", 5);
    assert_string_equal(mallow_scratch_printf(&scratch, "%5d|%s", 42, "x"), "   42|x");
    char *numbers = mallow_scratch_array(&scratch, 1000, 8);
    fill(numbers, 8000, 1);
}

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

static NOINLINE void end_a_scope(void) {
    MALLOW_SCRATCH(scratch);
    fill(mallow_scratch_alloc(&scratch, 10), 10, 1);
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

static void *work(void *unused) {
    nest(5);
    return unused;
}

static void run_threads(int count) {
    pthread_t threads[4];
    for (int i = 0; i < count; i += 4) {
        for (int t = 0; t < 4; t++) pthread_create(&threads[t], NULL, work, NULL);
        for (int t = 0; t < 4; t++) pthread_join(threads[t], NULL);
    }
}

static void threads_leave_nothing(void **state) {
    (void)state;
    run_threads(40);
    uint64_t before = mapped();
    run_threads(200);
    assert_true(mapped() <= before + 1000000);
}

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

/* ---- failures ---- */

static void bad_arguments_are_errors(void **state) {
    (void)state;
    MALLOW_SCRATCH(scratch);
    errno = 0;
    assert_null(mallow_scratch_alloc(&scratch, SIZE_MAX));
    assert_int_equal(errno, EOVERFLOW);
    assert_null(mallow_scratch_alloc(&scratch, PTRDIFF_MAX));
    assert_int_equal(errno, ENOMEM);
    assert_null(mallow_scratch_array(&scratch, SIZE_MAX / 2, 3));
    assert_int_equal(errno, EOVERFLOW);
    assert_null(mallow_scratch_strdup(&scratch, NULL));
    assert_int_equal(errno, EINVAL);
    assert_null(mallow_scratch_memdup(&scratch, NULL, 1));
    assert_null(mallow_scratch_zalloc(NULL, 1));
    assert_null(mallow_scratch_alloc(NULL, 1));
    assert_null(mallow_scratch_printf(&scratch, "%ls", L"\xdfff"));
    assert_int_equal(errno, EINVAL);
    assert_non_null(mallow_scratch_alloc(&scratch, 0));
}

static void large_blocks_fail_or_work(void **state) {
    (void)state;
    MALLOW_SCRATCH(scratch);
    char *block = mallow_scratch_alloc(&scratch, (size_t)100 << 20); /* alloca would crash */
    assert_non_null(block);
    block[0] = block[((size_t)100 << 20) - 1] = 1;
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit;
        getrlimit(RLIMIT_AS, &limit);
        limit.rlim_cur = mapped() + 20000000;
        setrlimit(RLIMIT_AS, &limit);
        MALLOW_SCRATCH(inner);
        assert_null(mallow_scratch_alloc(&inner, (size_t)100 << 20));
        assert_non_null(strstr(mallow_error_text(MALLOW_AT_LIMIT), "RLIMIT_AS"));
        assert_non_null(mallow_scratch_alloc(&inner, (size_t)1 << 20));
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_keep_their_content),
        cmocka_unit_test(an_outer_scope_may_allocate),
        cmocka_unit_test(depth_is_not_limited),
        cmocka_unit_test(copies_and_texts),
        cmocka_unit_test(jumps_free_blocks),
        cmocka_unit_test(an_outer_scope_survives_jumps),
        cmocka_unit_test(handlers_have_scopes),
        cmocka_unit_test(handlers_have_a_stack_of_their_own),
        cmocka_unit_test(a_handler_leaves_the_stack_as_it_was),
        cmocka_unit_test(coroutines_do_not_disturb_each_other),
        cmocka_unit_test(jumps_free_blocks_in_coroutines),
        cmocka_unit_test(the_stack_of_a_thread_has_bounds),
        cmocka_unit_test(threads_leave_nothing),
        cmocka_unit_test(jumps_free_blocks_in_threads),
        cmocka_unit_test(bad_arguments_are_errors),
        cmocka_unit_test(large_blocks_fail_or_work),
    };
    if (argc == 2) cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
