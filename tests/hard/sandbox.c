/*
 * Under a seccomp filter that allows only the system calls of libc's malloc, allocation of all
 * sizes still works.
 *     sandbox kill|errno|trap [threads|signals|jumps]
 * "threads": several threads allocate, and the filter also allows the system calls that libc needs
 * for them. "signals": a handler interrupts the calls, allocates and returns. "jumps": a handler
 * leaves the calls with a jump.
 */
#include "check.h"
#include "churn.h"
#include "interrupt.h"
#include "seccomp.h"
#include "threads.h"

#include <malloc.h>
#include <setjmp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CALLS = 1000000, CALLS_INTERRUPTED = 200000, THREADS = 3, BLOCKS = 512, SLOW_MIN = 33000 };

/* ---- the filter ---- */

static const int of_malloc[] = {SYS_brk,      SYS_mmap,    SYS_munmap, SYS_mremap,
                                SYS_mprotect, SYS_madvise, SYS_futex};
static const int of_program[] = {SYS_write, SYS_exit, SYS_exit_group, SYS_rt_sigreturn};
static const int of_threads[] = {SYS_clone,          SYS_clone3, SYS_set_robust_list, SYS_rseq,
                                 SYS_rt_sigprocmask, SYS_exit,   SYS_rt_sigaction};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct sock_filter filter[64];
static unsigned short filter_length;

static void add(struct sock_filter instruction) { filter[filter_length++] = instruction; }

static void allow(const int *calls, size_t count) {
    for (size_t i = 0; i < count; i++) {
        add((struct sock_filter)FILTER_SKIP_UNLESS((unsigned)calls[i], 1));
        add((struct sock_filter)FILTER_RETURN(SECCOMP_RET_ALLOW));
    }
}

static unsigned action_named(const char *name) {
    if (strcmp(name, "errno") == 0) return SECCOMP_RET_ERRNO | 1;
    return strcmp(name, "trap") == 0 ? SECCOMP_RET_TRAP : SECCOMP_RET_KILL_PROCESS;
}

static void report_call(int signal_number, siginfo_t *info, void *context) {
    char digits[] = "refused system call 000\n";
    (void)signal_number, (void)context;
    for (int i = 0, n = info->si_syscall; i < 3; i++, n /= 10)
        digits[22 - i] = (char)('0' + n % 10);
    CHECK(write(STDERR_FILENO, digits, sizeof digits - 1) > 0);
    _exit(EXIT_FAILURE);
}

static void enter_sandbox(const char *action, int with_threads) {
    struct sigaction report = {.sa_sigaction = report_call, .sa_flags = SA_SIGINFO};
    CHECK_EQUAL(sigaction(SIGSYS, &report, NULL), 0);
    add((struct sock_filter)FILTER_LOAD(nr));
    allow(of_malloc, COUNT(of_malloc));
    allow(of_program, COUNT(of_program));
    if (with_threads) allow(of_threads, COUNT(of_threads));
    add((struct sock_filter)FILTER_RETURN(action_named(action)));
    struct sock_fprog program = {filter_length, filter};
    CHECK_EQUAL(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) != 0)
        _exit(STATUS_SKIPPED);
}

/* ---- the calls ---- */

static size_t any_size(uint64_t *random) {
    static const size_t bounds[] = {16, 200, 1000, 5000, 40000};
    if (random_below(random, 500) == 0) return 1 + random_below(random, 3000000);
    if (random_below(random, 50) == 0) return 1 + random_below(random, 300000);
    return random_below(random, bounds[random_below(random, COUNT(bounds))]);
}

static void *any_block(uint64_t *random) {
    size_t size = any_size(random);
    switch (random_below(random, 4)) {
    case 0:
        return calloc(1, size);
    case 1:
        return memalign((size_t)1 << random_below(random, 17), size);
    default:
        return malloc(size);
    }
}

static void call_often(uint64_t seed, int calls) {
    void *volatile blocks[BLOCKS] = {NULL};
    uint64_t random = seed;
    for (int i = 0; i < calls; i++) {
        void *volatile *block = &blocks[random_below(&random, BLOCKS)], *old = *block;
        size_t size = 1 + any_size(&random);
        *block = NULL;
        if (old == NULL)
            *block = any_block(&random);
        else if (random_below(&random, 4) == 0)
            *block = realloc(old, size);
        else
            free(old);
        if (i % 100000 == 0) malloc_trim(0);
    }
    for (int i = 0; i < BLOCKS; i++) free(blocks[i]);
}

static void *call_in_thread(void *number) {
    call_often((uintptr_t)number, CALLS / THREADS);
    return NULL;
}

static void call_in_threads(void) {
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        threads[i] = start_thread(call_in_thread, (void *)(i + 1));
    for (int i = 0; i < THREADS; i++) join_thread(threads[i]);
}

/* ---- interruptions ---- */

static jmp_buf before_call;
static volatile sig_atomic_t armed, interruptions, jumps_of_step;

/* A step that is left this often in a row is then completed, because a repair on a slow machine may
 * take longer than the interval of the signals. */
enum { JUMPS_MAX = 3 };

/* The sizes take slow paths only: an interrupted fast path may undo a handler's work on the same
 * fast path (docs/concurrency.md). */
static void allocate(int signal_number) {
    (void)signal_number;
    interruptions++;
    free(malloc(SLOW_MIN + (size_t)interruptions * 1000 % 200000));
}

static void jump_away(int signal_number) {
    (void)signal_number;
    if (!armed || jumps_of_step == JUMPS_MAX) return;
    armed = 0;
    interruptions++;
    jumps_of_step++;
    longjmp(before_call, 1);
}

/* With SA_NODEFER the signal is never blocked, because the filter refuses to unblock it after a
 * jump. */
static void interrupt_by(void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART | flags};
    CHECK_EQUAL(sigaction(SIGALRM, &action, NULL), 0);
    interrupt_every(200);
}

static void call_and_be_left(void) {
    static volatile int steps;
    static struct churn churn = {.random = 1};
    setjmp(before_call);
    while (steps < CALLS_INTERRUPTED) {
        armed = 1;
        churn_step(&churn);
        armed = 0;
        jumps_of_step = 0;
        steps++;
    }
}

int main(int argc, char **argv) {
    CHECK(argc == 2 || argc == 3);
    const char *how = argc == 3 ? argv[2] : "";
    if (strcmp(how, "signals") == 0) interrupt_by(allocate, 0);
    if (strcmp(how, "jumps") == 0) interrupt_by(jump_away, SA_NODEFER);
    enter_sandbox(argv[1], strcmp(how, "threads") == 0);
    if (strcmp(how, "threads") == 0)
        call_in_threads();
    else if (strcmp(how, "jumps") == 0)
        call_and_be_left();
    else
        call_often(1, strcmp(how, "signals") == 0 ? CALLS_INTERRUPTED : CALLS);
    armed = 0;
    _exit(EXIT_SUCCESS);
}
