/* The handler of SIGSEGV and SIGBUS: a fault that no part claims does what it would do without the
 * library. Each test runs in a child process in which no handler has been installed. */
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
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/kernel.h"
#include "base/kernel_signal.h"

static const int signals[] = {SIGSEGV, SIGBUS};

/* ---- places that fault ---- */

static char *fault_place[2]; /* for SIGSEGV and for SIGBUS */

static void make_places(void) {
    size_t page = kernel_page();
    int fd = memfd_create("fault", 0);
    fault_place[0] = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    fault_place[1] = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
}

static char *place_of(int signal) { return fault_place[signal == SIGBUS] + 3; }

static void touch(int signal) { *(volatile char *)place_of(signal) = 1; }

/* Makes the access succeed when it is repeated. */
static void repair(int signal) {
    mmap(fault_place[signal == SIGBUS], kernel_page(), PROT_READ | PROT_WRITE,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

/* ---- children ---- */

/* Runs the function in a child and returns the child's status. */
static int in_child(void (*run)(int), int signal) {
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char folder[] = "/tmp/mallow.fault.XXXXXX";
        if (mkdtemp(folder) == NULL || chdir(folder) != 0 || rmdir(folder) != 0) _exit(99);
        alarm(60);
        sigaction(SIGSEGV, &(struct sigaction){.sa_handler = SIG_DFL},
                  NULL); /* not the handler of a sanitizer */
        sigaction(SIGBUS, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
        make_places();
        run(signal);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void must(bool holds, int line) {
    if (!holds) _exit(line % 200 + 20);
}
#define MUST(condition) must((condition), __LINE__)

static void passes(void (*run)(int)) {
    for (int i = 0; i < 2; i++) assert_int_equal(in_child(run, signals[i]), 0);
}

/* ---- parts ---- */

static volatile int times_asked, times_handled, times_handled_second;
static bool decline(const siginfo_t *info, void *context) {
    (void)info, (void)context;
    times_asked++;
    errno = EBADMSG;
    return false;
}

static bool claim(const siginfo_t *info, void *context) {
    (void)context;
    times_asked++;
    if (info->si_addr != place_of(info->si_signo)) return false;
    repair(info->si_signo);
    return true;
}

static sigjmp_buf place;
static bool is_on_signal_stack;
static bool claim_and_leave(const siginfo_t *info, void *context) {
    is_on_signal_stack = kernel_is_on_signal_stack();
    times_asked++;
    if (info->si_addr != place_of(info->si_signo)) return false;
    fault_leave(place, context);
}

/* ---- the program's handlers ---- */

static sigset_t mask_of_thread(void) {
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    return mask;
}

static bool is_blocked(int signal) {
    sigset_t mask = mask_of_thread();
    return sigismember(&mask, signal) == 1;
}

static void on_info(int signal, siginfo_t *info, void *context) {
    times_handled++;
    MUST(info->si_signo == signal && context != NULL);
    MUST(info->si_addr == place_of(signal));
    MUST(is_blocked(signal) && is_blocked(SIGUSR1) && is_blocked(SIGUSR2) && !is_blocked(SIGHUP));
    repair(signal);
}

static void a_handler_with_details_is_called(int signal) {
    struct sigaction action = {.sa_sigaction = on_info, .sa_flags = SA_SIGINFO};
    sigaddset(&action.sa_mask, SIGUSR1);
    sigaction(signal, &action, NULL);
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &mask, NULL);
    MUST(fault_watch(decline) && fault_watch(decline));
    errno = EDOM;
    touch(signal);
    MUST(errno == EDOM && times_asked == 1 && times_handled == 1);
    MUST(!is_blocked(signal) && !is_blocked(SIGUSR1) && is_blocked(SIGUSR2));
}

static void on_plain(int signal) {
    times_handled++;
    MUST(!is_blocked(signal) && !is_blocked(SIGUSR1));
    repair(signal);
}

static void a_plain_handler_is_called(int signal) {
    sigaction(signal, &(struct sigaction){.sa_handler = on_plain, .sa_flags = SA_NODEFER}, NULL);
    MUST(fault_watch(decline));
    touch(signal);
    MUST(times_asked == 1 && times_handled == 1);
    raise(signal);
    MUST(times_asked == 1 && times_handled == 2); /* no part sees a sent signal */
}

static void on_once(int signal) {
    times_handled++;
    repair(signal);
}

static void a_handler_for_one_fault_can_be_installed_again(int signal) {
    struct sigaction action = {.sa_handler = on_once, .sa_flags = (int)SA_RESETHAND};
    for (int i = 1; i <= 3; i++) {
        sigaction(signal, &action, NULL);
        MUST(fault_watch(decline) && fault_watch_again());
        make_places();
        touch(signal);
        MUST(times_handled == i);
    }
}

static void handle_once(int signal) {
    a_handler_for_one_fault_can_be_installed_again(signal);
    make_places();
    touch(signal);
}

static void a_handler_for_one_fault_is_called_once(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(WTERMSIG(in_child(handle_once, signals[i])), signals[i]);
}

/* ---- default actions ---- */

static void dump(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_CORE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_CORE, &limit);
}

static void fault_plainly(int signal) {
    dump();
    touch(signal);
}

static void fault_watched(int signal) {
    dump();
    MUST(fault_watch(decline));
    touch(signal);
}

static void fault_ignored(int signal) {
    dump();
    sigaction(signal, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    MUST(fault_watch(decline));
    raise(signal);
    touch(signal);
}

static void send_watched(int signal) {
    dump();
    MUST(fault_watch(decline));
    raise(signal);
}

/* The kernel reports a broken page of memory before it is accessed. No access would be repeated. */
static void send_broken_page(int signal) {
    siginfo_t info = {.si_signo = signal, .si_code = BUS_MCEERR_AO};
    dump();
    MUST(fault_watch(decline));
    MUST(syscall(SYS_rt_sigqueueinfo, getpid(), signal, &info) == 0);
    usleep(1000);
    MUST(false);
}

static void overflow(volatile char *above) {
    volatile char here[4096];
    here[0] = above[0];
    if (here[0] == 0) overflow(here);
    here[1] = 1; /* not a tail call */
}

static void *overflow_stack(void *unused) {
    overflow((char[1]){0});
    return unused;
}

static void overflow_watched(int signal) {
    (void)signal;
    pthread_t thread;
    dump();
    MUST(fault_watch(decline));
    pthread_create(&thread, NULL, overflow_stack, NULL);
    pthread_join(thread, NULL);
}

static void default_actions_keep_signal_and_core(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        int status = in_child(fault_plainly, signals[i]);
        assert_int_equal(WTERMSIG(status), signals[i]);
        assert_int_equal(in_child(fault_watched, signals[i]), status);
        assert_int_equal(in_child(fault_ignored, signals[i]), status);
        assert_int_equal(in_child(send_watched, signals[i]), status);
    }
    assert_int_equal(WTERMSIG(in_child(send_broken_page, SIGBUS)), SIGBUS);
    assert_int_equal(WTERMSIG(in_child(overflow_watched, 0)), SIGSEGV);
}

static void an_ignored_signal_is_ignored(int signal) {
    sigaction(signal, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    MUST(fault_watch(decline));
    raise(signal);
    MUST(times_asked == 0);
}

/* ---- claims ---- */

static void a_part_may_repair(int signal) {
    MUST(fault_watch(decline) && fault_watch(claim));
    errno = EDOM;
    touch(signal);
    MUST(times_asked == 2 && errno == EDOM && *place_of(signal) == 1);
}

static void a_part_may_leave(int signal) {
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &mask, NULL);
    MUST(fault_watch(claim_and_leave));
    for (volatile int i = 0; i < 3; i++) {
        if (sigsetjmp(place, 0) == 0) {
            touch(signal);
            MUST(false);
        }
        MUST(times_asked == i + 1);
        MUST(!is_blocked(signal) && is_blocked(SIGUSR2));
    }
}

static void parts_run_on_the_alternate_stack(int signal) {
    static char stack[65536];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&alternate, NULL);
    a_part_may_leave(signal);
    MUST(is_on_signal_stack && !kernel_is_on_signal_stack());
}

/* ---- handlers that are installed later ---- */

static struct sigaction replaced[2], replaced_second[2];

static void call_replaced(const struct sigaction *action, siginfo_t *info, void *context) {
    if ((action->sa_flags & SA_SIGINFO) != 0)
        action->sa_sigaction(info->si_signo, info, context);
    else
        MUST(false);
}

static void on_first(int signal, siginfo_t *info, void *context) {
    (void)info, (void)context;
    times_handled++;
    repair(signal);
}

static void on_second(int signal, siginfo_t *info, void *context) {
    times_handled_second++;
    call_replaced(&replaced_second[signal == SIGBUS], info, context);
}

static void set(int signal, void (*handler)(int, siginfo_t *, void *), struct sigaction *before) {
    sigaction(signal, &(struct sigaction){.sa_sigaction = handler, .sa_flags = SA_SIGINFO},
              &before[signal == SIGBUS]);
}

static void check_chain(int signal, int first, int second) {
    times_handled = times_handled_second = 0;
    make_places();
    touch(signal);
    MUST(times_handled == first && times_handled_second == second);
}

static void later_handlers_form_no_loop(int signal) {
    set(signal, on_first, replaced);
    MUST(fault_watch(decline));
    check_chain(signal, 1, 0);
    set(signal, on_second, replaced_second); /* it calls our handler */
    check_chain(signal, 1, 1);
    MUST(fault_watch(decline)); /* this does not check the handler */
    for (int i = 0; i < 20; i++) {
        times_asked = 0;
        MUST(fault_watch_again());
        check_chain(signal, 1, 1);
        MUST(times_asked == 2);
        set(signal, on_first, replaced); /* the program puts its handlers back */
        MUST(fault_watch_again());
        check_chain(signal, 1, 0);
        set(signal, on_second, replaced);
    }
}

static void a_replaced_handler_works_again(int signal) {
    MUST(fault_watch(claim));
    set(signal, on_first, replaced);
    check_chain(signal, 1, 0);
    MUST(fault_watch_again());
    check_chain(signal, 0, 0);
    MUST(*place_of(signal) == 1);
}

static void system_calls_are_restarted_as_before(int signal) {
    struct sigaction action = {.sa_handler = on_once}, ours;
    for (int i = 0; i < 2; i++) {
        action.sa_flags = i == 0 ? 0 : SA_RESTART;
        sigaction(signal, &action, NULL);
        MUST(fault_watch(claim) && fault_watch_again());
        sigaction(signal, NULL, &ours);
        MUST(ours.sa_handler != action.sa_handler);
        MUST((ours.sa_flags & SA_RESTART) == action.sa_flags);
    }
}

static void too_many_handlers_are_refused(int signal) {
    MUST(fault_watch(claim));
    for (int i = 1; i <= 8; i++) {
        struct sigaction action = {.sa_sigaction = on_first, .sa_flags = SA_SIGINFO};
        sigaddset(&action.sa_mask, i);
        sigaction(signal, &action, NULL);
        errno = 0;
        bool is_refused = !fault_watch_again();
        MUST(is_refused == (i == 8) && errno == (is_refused ? ENOSPC : 0));
    }
    check_chain(signal, 1, 0);
}

/* ---- failures and forks while a handler is installed ---- */

static int refused_calls, forking_calls;
static _Atomic int concurrent_calls;

bool __real_kernel_signal_action(int, const struct sigaction *, struct sigaction *);
bool __wrap_kernel_signal_action(int signal, const struct sigaction *action,
                                 struct sigaction *before) {
    if (forking_calls > 0 && --forking_calls == 0) {
        pid_t child = fork();
        if (child == 0) {
            alarm(60);
            sigset_t none;
            sigemptyset(&none);
            pthread_sigmask(SIG_SETMASK, &none, NULL);
            MUST(fault_watch(claim)); /* takes the copied lock */
            touch(SIGSEGV);
            touch(SIGBUS);
            _exit(0);
        }
        int status;
        MUST(waitpid(child, &status, 0) == child && status == 0);
    }
    if (refused_calls > 0 && --refused_calls == 0) {
        errno = EPERM;
        return false;
    }
    if (action == NULL) return __real_kernel_signal_action(signal, action, before);
    MUST(concurrent_calls++ == 0);
    usleep(100);
    bool is_done = __real_kernel_signal_action(signal, action, before);
    concurrent_calls--;
    return is_done;
}

static void a_child_of_an_interrupted_call_continues(int call) {
    forking_calls = call;
    MUST(fault_watch(claim));
    MUST(forking_calls == 0);
    touch(SIGSEGV);
    touch(SIGBUS);
}

static void a_refused_call_is_reported(int call) {
    refused_calls = call;
    MUST(!fault_watch(claim) && errno == EPERM);
    MUST(refused_calls == 0);
    MUST(!is_blocked(SIGSEGV));
    MUST(fault_watch(claim));
    touch(SIGSEGV);
    touch(SIGBUS);
}

static void each_call_may_fail_or_fork(void **state) {
    (void)state;
    for (int call = 1; call <= 5; call++)
        assert_int_equal(in_child(a_child_of_an_interrupted_call_continues, call), 0);
    for (int call = 2; call <= 5; call++) /* the first only looks for a short way */
        assert_int_equal(in_child(a_refused_call_is_reported, call), 0);
}

/* ---- threads ---- */

static pthread_barrier_t barrier;

static void *watch_and_touch(void *signal) {
    pthread_barrier_wait(&barrier);
    MUST(fault_watch(claim));
    touch(*(int *)signal);
    return NULL;
}

static void many_threads_may_be_first(int signal) {
    pthread_t threads[8];
    pthread_barrier_init(&barrier, NULL, 8);
    for (int i = 0; i < 8; i++) pthread_create(&threads[i], NULL, watch_and_touch, &signal);
    for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
    MUST(times_asked >= 1);
}

#define PASSES(run) \
    static void run##_test(void **state) { (void)state, passes(run); }
PASSES(a_handler_with_details_is_called)
PASSES(a_plain_handler_is_called)
PASSES(a_handler_for_one_fault_can_be_installed_again)
PASSES(an_ignored_signal_is_ignored)
PASSES(a_part_may_repair)
PASSES(a_part_may_leave)
PASSES(parts_run_on_the_alternate_stack)
PASSES(later_handlers_form_no_loop)
PASSES(a_replaced_handler_works_again)
PASSES(system_calls_are_restarted_as_before)
PASSES(too_many_handlers_are_refused)
PASSES(many_threads_may_be_first)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handler_with_details_is_called_test),
        cmocka_unit_test(a_plain_handler_is_called_test),
        cmocka_unit_test(a_handler_for_one_fault_can_be_installed_again_test),
        cmocka_unit_test(a_handler_for_one_fault_is_called_once),
        cmocka_unit_test(default_actions_keep_signal_and_core),
        cmocka_unit_test(an_ignored_signal_is_ignored_test),
        cmocka_unit_test(a_part_may_repair_test),
        cmocka_unit_test(a_part_may_leave_test),
        cmocka_unit_test(parts_run_on_the_alternate_stack_test),
        cmocka_unit_test(later_handlers_form_no_loop_test),
        cmocka_unit_test(a_replaced_handler_works_again_test),
        cmocka_unit_test(system_calls_are_restarted_as_before_test),
        cmocka_unit_test(too_many_handlers_are_refused_test),
        cmocka_unit_test(each_call_may_fail_or_fork),
        cmocka_unit_test(many_threads_may_be_first_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
