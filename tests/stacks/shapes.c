/* Stacks with frames of every shape that a C compiler makes equal those that libunwind finds. */
#include <alloca.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <ucontext.h>

#include "check.h"
#include "oracle.h"
#include "random.h"
#include "threads.h"

#define NOINLINE __attribute__((noinline))
#define KEEP_FRAME() __asm__ volatile("" ::: "memory")

static volatile unsigned sink;
static bool stepping; /* libunwind blocks signals, which single steps do not allow. */

static inline void look(void) {
    if (!stepping) compare();
}

NOINLINE static void leaf(void) {
    look();
    KEEP_FRAME();
}

NOINLINE static unsigned recurse(unsigned n) {
    if (n == 0) {
        look();
        return 1;
    }
    unsigned below = recurse(n - 1);
    if (n % 7 == 0) look();
    return below + n;
}

NOINLINE static void variable(unsigned n) {
    volatile char array[n % 300 + 1];
    array[0] = (char)n;
    leaf();
    if (n > 1) variable(n / 2);
    sink = (unsigned)array[0];
}

NOINLINE static void with_alloca(unsigned n) {
    volatile char *block = alloca(n * 16 + 1);
    block[0] = 1;
    leaf();
    block = alloca(100);
    block[0] = 2;
    leaf();
}

struct aligned {
    _Alignas(64) char bytes[128];
};
NOINLINE static void touch(volatile struct aligned *block) {
    CHECK((uintptr_t)block % 64 == 0);
    block->bytes[0] = 1;
    look();
    KEEP_FRAME();
}
NOINLINE static void with_alignment(unsigned n) {
    struct aligned block;
    volatile char *more = alloca(n + 1);
    more[0] = 1;
    touch(&block);
    if (n > 0) with_alignment(n - 1);
    KEEP_FRAME();
}

NOINLINE static void large_frame(void) {
    volatile char block[200000];
    block[0] = block[199999] = 1;
    leaf();
    KEEP_FRAME();
}

/* Many live values use all callee-saved registers, including the frame pointer. */
NOINLINE static unsigned long busy(unsigned long a, unsigned long b, unsigned long c,
                                   unsigned long d, unsigned long e, unsigned long f) {
    leaf();
    unsigned long g = a * b + c, h = d * e + f;
    leaf();
    return a + b * c + d * e - f + g * h;
}

NOINLINE static void tail_target(unsigned n) {
    look();
    sink = n;
}
NOINLINE static void tail(unsigned n) { tail_target(n + 1); }

NOINLINE static int by_value(const void *a, const void *b) {
    int x = *(const int *)a, y = *(const int *)b;
    if (x % 16 == 0) look();
    return (x > y) - (x < y);
}
NOINLINE static void sort(void) {
    int numbers[100];
    for (int i = 0; i < 100; i++) numbers[i] = i * 37 % 101;
    qsort(numbers, 100, sizeof *numbers, by_value);
    KEEP_FRAME();
}

NOINLINE static void through_jump(void) {
    jmp_buf there;
    if (setjmp(there) == 0) {
        leaf();
        longjmp(there, 1);
    }
    leaf();
}

/* ---- an outer frame moves while the inner frames stay ---- */

/* The two calls of each pair have the same inner stack, and one leaves its words where the other
 * one's capture looks for its own. */
static volatile unsigned small = 32, large = 160; /* unknown to the compiler */

static void nothing(void) {}
static void (*unseen)(void) = nothing;

NOINLINE static void inner_a(void (*capture)(void)) {
    volatile char *room = alloca(sink % 2 + 16);
    room[0] = 1;
    capture();
    KEEP_FRAME();
}
NOINLINE static void inner_b(void (*capture)(void)) {
    volatile char *room = alloca(sink % 2 + 16);
    room[0] = 2;
    unseen();
    capture();
    KEEP_FRAME();
}

NOINLINE static void movable(unsigned bytes, void (*inner)(void (*)(void))) {
    volatile char *room = alloca(bytes);
    room[0] = 1;
    inner(leaf);
    KEEP_FRAME();
}

NOINLINE static void move_one(bool up, void (*inner)(void (*)(void))) {
    if (up) {
        volatile char *room = alloca(large);
        room[0] = 1;
        movable(small, inner);
        __asm__ volatile("nop"); /* The compiler must not merge the two calls. */
    } else {
        volatile char *room = alloca(small);
        room[0] = 1;
        movable(large, inner);
    }
    KEEP_FRAME();
}

NOINLINE static void move_aligned(unsigned offset, bool up) {
    volatile char *base = alloca(offset + 16);
    base[0] = 1;
    if (up) {
        volatile char *room = alloca(small + 16);
        room[0] = 1;
        with_alignment(0);
        __asm__ volatile("nop");
    } else {
        volatile char *room = alloca(small);
        room[0] = 1;
        with_alignment(0);
    }
    KEEP_FRAME();
}

NOINLINE static void moved_frames(void) {
    sink = 0;
    for (volatile unsigned i = 0; i < 4; i++) move_one(i % 2, inner_a);
    for (volatile unsigned i = 0; i < 4; i++) move_one(i % 2, i % 2 ? inner_a : inner_b);
    for (volatile unsigned i = 0; i < 64; i++) move_aligned(i / 2 % 8 * 16, i % 2);
}

/* ---- a frame that is found by another register than the frame pointer ---- */

#if defined(__x86_64__)
void call_by_rbx(void (*function)(void), size_t room);
__asm__(
    ".text\n"
    "call_by_rbx:\n"
    "    .cfi_startproc\n"
    "    push %rbx\n"
    "    .cfi_adjust_cfa_offset 8\n"
    "    .cfi_rel_offset rbx, 0\n"
    "    mov %rsp, %rbx\n"
    "    .cfi_def_cfa_register rbx\n"
    "    sub %rsi, %rsp\n"
    "    call *%rdi\n"
    "    mov %rbx, %rsp\n"
    "    .cfi_def_cfa_register rsp\n"
    "    pop %rbx\n"
    "    .cfi_adjust_cfa_offset -8\n"
    "    ret\n"
    "    .cfi_endproc\n");
#else
static void call_by_rbx(void (*function)(void), size_t room) { (void)room, function(); }
#endif

static void twice_by_rbx(void) {
    leaf();
    call_by_rbx(leaf, 4096);
}

/* ---- all shapes ---- */

NOINLINE static void every_shape(unsigned n) {
    leaf();
    recurse(n % 60);
    if (n % 10 == 0) recurse(400);
    variable(n * 31 % 1000);
    with_alloca(n % 50);
    with_alignment(n % 5);
    large_frame();
    sink = (unsigned)busy(n, n + 1, n + 2, n + 3, n + 4, n + 5);
    tail(n);
    sort();
    through_jump();
    moved_frames();
    call_by_rbx(leaf, n * 16);
    call_by_rbx(twice_by_rbx, 64);
}

/* ---- signals ---- */

static unsigned long handled;

static void handler(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)info;
    look();
    compare_interrupted(context);
    handled++;
}

static void handle(int signal, int flags) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    CHECK(sigaction(signal, &action, NULL) == 0);
}

NOINLINE static void raise_in(unsigned n) {
    if (n == 0)
        raise(SIGUSR1);
    else
        raise_in(n - 1);
    KEEP_FRAME();
}

static void with_signals(void) {
    static char other_stack[1 << 18];
    stack_t stack = {.ss_sp = other_stack, .ss_size = sizeof other_stack};
    handle(SIGUSR1, 0);
    raise_in(5);
    CHECK(sigaltstack(&stack, NULL) == 0);
    handle(SIGUSR1, SA_ONSTACK);
    raise_in(5);
    leaf();
}

static void work(unsigned n) {
    static unsigned char from[4096], to[4096];
    variable(n % 100);
    memcpy(to, from, 100 + n % 3000);
    sink = recurse(n % 9) + (unsigned)strlen((char *)to);
    tail(n);
}

#if defined(__x86_64__)
#    define TRAP_FLAG 0x100
static unsigned steps;

static void single_step(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)info;
    greg_t *flags = &((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];
    compare_interrupted(context);
    if (++steps < 5000)
        *flags |= TRAP_FLAG;
    else
        *flags &= ~TRAP_FLAG;
}

/* Compares at each instruction: in prologues, entries of the PLT, and the loader's lazy binding. */
static void at_each_instruction(void) {
    struct sigaction action = {.sa_sigaction = single_step, .sa_flags = SA_SIGINFO};
    CHECK(sigaction(SIGTRAP, &action, NULL) == 0);
    stepping = true;
    raise(SIGTRAP);
    for (unsigned n = 0; steps < 5000; n++) {
        work(n);
        every_shape(n);
        sink = (unsigned)strtoul("12", NULL, 10) + (unsigned)getppid();
    }
    stepping = false;
}
#else
static void at_each_instruction(void) {}
#endif

static void at_random(void) {
    struct itimerval often = {{0, 500}, {0, 500}}, never = {0};
    handle(SIGPROF, 0);
    CHECK(setitimer(ITIMER_PROF, &often, NULL) == 0);
    for (unsigned n = 0; handled < 100; n++) work(n);
    CHECK(setitimer(ITIMER_PROF, &never, NULL) == 0);
}

/* ---- other stacks ---- */

static ucontext_t outside, inside;

static void coroutine(void) {
    for (unsigned i = 0; i < 5; i++) {
        leaf();
        swapcontext(&inside, &outside);
        recurse(i);
    }
}

static void with_coroutines(void) {
    static char stack[1 << 18];
    CHECK(getcontext(&inside) == 0);
    inside.uc_stack.ss_sp = stack;
    inside.uc_stack.ss_size = sizeof stack;
    inside.uc_link = &outside;
    makecontext(&inside, coroutine, 0);
    for (unsigned i = 0; i < 6; i++) {
        leaf();
        swapcontext(&outside, &inside);
    }
}

/* ---- main ---- */

/* Walks along random paths, which share a part with earlier ones. */
NOINLINE static void wander(uint64_t *random, unsigned depth) {
    look();
    if (depth == 0) return;
    for (unsigned i = 0; i < 3; i++) {
        switch (random_below(random, 5)) {
        case 0:
            wander(random, depth - 1);
            break;
        case 1:
            with_alloca((unsigned)random_below(random, 9));
            break;
        case 2:
            wander(random, depth / 2);
            break;
        case 3:
            sink = (unsigned)busy(i, depth, 3, 4, 5, 6);
            break;
        default:
            look();
        }
    }
    look();
}

static void *thread(void *number) {
    uint64_t random = (uintptr_t)number + 1;
    for (unsigned i = 0; i < 20; i++) every_shape(i + (unsigned)(uintptr_t)number);
    for (unsigned i = 0; i < 50; i++) wander(&random, 12);
    return NULL;
}

static void with_threads(void) {
    pthread_t threads[4];
    for (uintptr_t i = 0; i < 4; i++) threads[i] = start_thread(thread, (void *)i);
    for (unsigned i = 0; i < 4; i++) join_thread(threads[i]);
}

int main(int argc, char **argv) {
    (void)argc, (void)argv;
    thread((void *)7);
    with_signals();
    with_coroutines();
    at_random();
    at_each_instruction();
    with_threads();
    printf("%lu stacks compared, the deepest of %u frames\n", compared(), deepest());
    return 0;
}
