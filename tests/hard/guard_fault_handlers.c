/* Faults that are not on a guarded block reach the program's handlers, or end the process. */
#include "guard_fault.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

static volatile char *null_pointer;
static void *inaccessible;
static bool second_is_gone;
static volatile sig_atomic_t calls;

static volatile char sink;
static void fault(void) { read_at(null_pointer); }
static void no_handler(void) {
    alloc_guarded(SIZE);
    fault();
}
static void no_handler_and_sent(void) {
    alloc_guarded(SIZE);
    raise(SIGSEGV);
    _exit(HANDLED);
}

static void install(void (*handler)(int), int flags, struct sigaction *before) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigaddset(&action.sa_mask, SIGUSR1);
    CHECK_EQUAL(sigaction(SIGSEGV, &action, before), 0);
}
static void install_siginfo(void (*handler)(int, siginfo_t *, void *), int flags,
                            struct sigaction *before) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO};
    CHECK_EQUAL(sigaction(SIGSEGV, &action, before), 0);
}

static void leave(int signal_number) { _exit(signal_number == SIGSEGV ? HANDLED : 1); }

static void handler_before(void) {
    install(leave, 0, NULL);
    alloc_guarded(SIZE);
    fault();
}
static void handler_before_and_error(void) {
    install(leave, 0, NULL);
    write_past_end();
}
static void handler_after(void) {
    alloc_guarded(SIZE);
    install(leave, 0, NULL);
    fault();
}
static void handler_after_and_error(void) {
    alloc_guarded(SIZE);
    install(leave, 0, NULL);
    write_past_end();
}
static void handler_after_and_seen(void) {
    alloc_guarded(SIZE);
    install(leave, 0, NULL);
    alloc_guarded(SIZE);
    fault();
}

/* Repairs the fault, like handlers of garbage collectors and virtual machines. */
static void make_accessible(int signal_number, siginfo_t *info, void *context) {
    (void)context;
    CHECK_EQUAL(signal_number, SIGSEGV);
    CHECK(info->si_addr == inaccessible);
    CHECK_EQUAL(mprotect(inaccessible, 4096, PROT_READ | PROT_WRITE), 0);
    calls++;
}
static void handler_that_repairs(void) {
    install_siginfo(make_accessible, 0, NULL);
    alloc_guarded(SIZE);
    inaccessible = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 10; i++) {
        mprotect(inaccessible, 4096, PROT_NONE);
        write_at(inaccessible);
    }
    CHECK_EQUAL(calls, 10);
    _exit(HANDLED);
}
/* If the program itself has protected the page of a live block, its own handler gets the fault. */
static void handler_of_protected_block(void) {
    install_siginfo(make_accessible, 0, NULL);
    inaccessible = guard_alloc(4096, 4096, FAMILY_MALLOC, 0);
    mprotect(inaccessible, 4096, PROT_NONE);
    write_at(inaccessible);
    CHECK_EQUAL(calls, 1);
    free_guarded(inaccessible);
    _exit(HANDLED);
}

static struct sigaction replaced[3];
static void call(const struct sigaction *action, int signal_number, siginfo_t *info,
                 void *context) {
    if (++calls > 100) _exit(1);
    if ((action->sa_flags & SA_SIGINFO) != 0)
        action->sa_sigaction(signal_number, info, context);
    else if (action->sa_handler == SIG_DFL)
        _exit(2);
    else
        action->sa_handler(signal_number);
}
static void call_first(int signal_number, siginfo_t *info, void *context) {
    call(&replaced[0], signal_number, info, context);
}
static void call_second(int signal_number, siginfo_t *info, void *context) {
    CHECK(!second_is_gone);
    call(&replaced[1], signal_number, info, context);
}
static void call_third(int signal_number, siginfo_t *info, void *context) {
    call(&replaced[2], signal_number, info, context);
}
/* Each handler calls the one that it replaced, which is Mallow's. The last one in the chain is the
 * handler that was there before Mallow. */
static void install_chain(void) {
    install_siginfo(call_first, 0, &replaced[0]);
    alloc_guarded(SIZE);
    install_siginfo(call_second, SA_ONSTACK, &replaced[1]);
    alloc_guarded(SIZE);
    install_siginfo(call_third, SA_RESTART, &replaced[2]);
    alloc_guarded(SIZE);
}
static void chain_to_handler(void) {
    install(leave, 0, NULL);
    install_chain();
    fault();
}
static void chain_to_default(void) {
    alloc_guarded(SIZE);
    install_chain();
    fault();
}
static void chain_and_error(void) {
    alloc_guarded(SIZE);
    install_chain();
    write_past_end();
}
static void chain_replaced(void) {
    alloc_guarded(SIZE);
    install_chain();
    install(leave, 0, NULL);
    alloc_guarded(SIZE);
    fault();
}
/* A handler that has uninstalled itself is no longer called. */
static void handler_restored(void) {
    install(leave, 0, NULL);
    alloc_guarded(SIZE);
    install_siginfo(call_first, 0, &replaced[0]);
    alloc_guarded(SIZE);
    install_siginfo(call_second, 0, &replaced[1]);
    alloc_guarded(SIZE);
    install_siginfo(call_first, 0, NULL);
    alloc_guarded(SIZE);
    second_is_gone = true;
    fault();
}
static void default_after_handlers(void) {
    install(leave, 0, NULL);
    alloc_guarded(SIZE);
    install(SIG_DFL, 0, NULL);
    alloc_guarded(SIZE);
    fault();
}

static sigjmp_buf back;
static void jump(int signal_number) {
    (void)signal_number;
    calls++;
    siglongjmp(back, 1);
}
static void use_alternate_stack(size_t size) {
    stack_t stack = {.ss_size = size};
    stack.ss_sp = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_EQUAL(sigaltstack(&stack, NULL), 0);
}
static __attribute__((noinline)) void fault_deeper(volatile int depth) {
    volatile char room[300];
    room[0] = 0;
    if (depth == 0)
        fault();
    else
        fault_deeper(depth - 1);
    sink = room[0];
}
static void jump_back(void) {
    alloc_guarded(SIZE);
    install_siginfo(call_first, 0, &replaced[0]); /* never called */
    alloc_guarded(SIZE);
    install(jump, 0, NULL);
    alloc_guarded(SIZE);
    for (int i = 0; i < 100; i++)
        if (sigsetjmp(back, 1) == 0) fault_deeper(i % 7);
    CHECK_EQUAL(calls, 100);
}
static void handler_that_jumps(void) {
    jump_back();
    use_alternate_stack(64 << 10);
    calls = 0;
    jump_back();
    _exit(HANDLED);
}

static bool is_blocked(int signal_number) {
    sigset_t now;
    sigprocmask(SIG_BLOCK, NULL, &now);
    return sigismember(&now, signal_number);
}
static void see_mask(int signal_number) {
    calls++;
    CHECK(is_blocked(SIGUSR1) && is_blocked(SIGUSR2) && is_blocked(signal_number));
    siglongjmp(back, 1);
}
static void see_mask_nodefer(int signal_number) {
    calls++;
    CHECK(is_blocked(SIGUSR1) && is_blocked(SIGUSR2) && !is_blocked(signal_number));
    if (calls == 2) fault();
    siglongjmp(back, 1);
}
static void handlers_mask(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    install(see_mask, 0, NULL);
    alloc_guarded(SIZE);
    if (sigsetjmp(back, 1) == 0) fault();
    install(see_mask_nodefer, SA_NODEFER, NULL);
    alloc_guarded(SIZE);
    if (sigsetjmp(back, 1) == 0) fault();
    CHECK_EQUAL(calls, 3);
    CHECK(is_blocked(SIGUSR2) && !is_blocked(SIGUSR1) && !is_blocked(SIGSEGV));
    _exit(HANDLED);
}

static void count_call(int signal_number) {
    (void)signal_number;
    calls++;
}
static void handler_for_once(void) {
    install(count_call, (int)SA_RESETHAND, NULL);
    alloc_guarded(SIZE);
    raise(SIGSEGV);
    CHECK_EQUAL(calls, 1);
    fault();
}
static void ignored_fault(void) {
    install(SIG_IGN, 0, NULL);
    alloc_guarded(SIZE);
    fault();
}
static void ignored_and_sent(void) {
    install(SIG_IGN, 0, NULL);
    alloc_guarded(SIZE);
    raise(SIGSEGV);
    kill(getpid(), SIGSEGV);
    _exit(HANDLED);
}

/* ---- stack overflow ---- */

static __attribute__((noinline)) int recurse(volatile int depth) {
    volatile char room[1000];
    room[0] = (char)depth;
    return depth < 0 ? 0 : recurse(depth + 1) + room[0];
}
static void limit_stack(void) {
    struct rlimit limit = {1 << 20, 1 << 20};
    CHECK_EQUAL(setrlimit(RLIMIT_STACK, &limit), 0);
}
static void stack_overflow(void) {
    limit_stack();
    alloc_guarded(SIZE);
    sink = (char)recurse(0);
}
static void stack_overflow_with_handler(void) {
    limit_stack();
    use_alternate_stack((size_t)sysconf(_SC_MINSIGSTKSZ) + 512);
    install(leave, SA_ONSTACK, NULL);
    alloc_guarded(SIZE);
    sink = (char)recurse(0);
}

const struct fault_case handler_cases[] = {
    {"no_handler", no_handler, SIGSEGV, {NULL}},
    {"no_handler_and_sent", no_handler_and_sent, SIGSEGV, {NULL}},
    {"handler_before", handler_before, 0, {NULL}},
    {"handler_before_and_error", handler_before_and_error, SIGABRT, {"heap overflow of"}},
    {"handler_after", handler_after, 0, {NULL}},
    {"handler_after_and_error", handler_after_and_error, SIGABRT, {"heap overflow of"}},
    {"handler_after_and_seen", handler_after_and_seen, 0, {NULL}},
    {"handler_that_repairs", handler_that_repairs, 0, {NULL}},
    {"handler_of_protected_block", handler_of_protected_block, 0, {NULL}},
    {"chain_to_handler", chain_to_handler, 0, {NULL}},
    {"chain_to_default", chain_to_default, SIGSEGV, {NULL}},
    {"chain_and_error", chain_and_error, SIGABRT, {"heap overflow of"}},
    {"chain_replaced", chain_replaced, 0, {NULL}},
    {"handler_restored", handler_restored, 0, {NULL}},
    {"default_after_handlers", default_after_handlers, SIGSEGV, {NULL}},
    {"handler_that_jumps", handler_that_jumps, 0, {NULL}},
    {"handlers_mask", handlers_mask, 0, {NULL}},
    {"handler_for_once", handler_for_once, SIGSEGV, {NULL}},
    {"ignored_fault", ignored_fault, SIGSEGV, {NULL}},
    {"ignored_and_sent", ignored_and_sent, 0, {NULL}},
    {"stack_overflow", stack_overflow, SIGSEGV, {NULL}},
    {"stack_overflow_with_handler", stack_overflow_with_handler, 0, {NULL}},
    {NULL, NULL, 0, {NULL}},
};
