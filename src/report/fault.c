/*
 * Handlers of the program's own are called after ours, as the kernel would call them, as if ours
 * were not there:
 *
 *     fault -> ours -> the program's newest -> (it calls what it replaced: ours) -> the one before
 *
 * Linux tells of inaccessible pages by SIGSEGV alone; SIGBUS is left to the program.
 */
#include "report/fault.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <ucontext.h>

#include "base/atomics.h"
#include "base/compiler.h"
#include "os/lock.h"
#include "os/os.h"

/* ---- the program's handlers ---- */

#define KEPT_MAX 16u

/* What was in our place, oldest first; a handler may call the one that it found there. */
static UNTOUCHED struct sigaction kept_actions[KEPT_MAX];
static UNTOUCHED _Atomic unsigned kept_count;
static UNTOUCHED _Atomic bool surrendered;

/* How many of them the thread has not asked yet about its signal. */
static __thread unsigned left_to_ask;

static void set_default_action(void) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    atomic_store_explicit(&surrendered, true, memory_order_relaxed);
    os_signal_action(SIGSEGV, &action, NULL);
}

/* The access is repeated and ends the process; a signal that somebody sent is sent again. */
static void do_default(const siginfo_t *info) {
    set_default_action();
    if (info->si_code <= 0) os_raise(SIGSEGV);
}

static uint64_t mask_word(const sigset_t *set) {
    uint64_t word;
    memcpy(&word, set, sizeof word);
    return word;
}

/* The mask that the kernel would have set for this handler. */
static void set_action_mask(const struct sigaction *action, const ucontext_t *context) {
    uint64_t mask = mask_word(&context->uc_sigmask) | mask_word(&action->sa_mask);
    if ((action->sa_flags & SA_NODEFER) == 0) mask |= (uint64_t)1 << (SIGSEGV - 1);
    os_restore_signals(mask);
}

static void perform_action(struct sigaction *action, siginfo_t *info, void *context,
                           bool by_kernel) {
    bool sent = info->si_code <= 0, siginfo = (action->sa_flags & SA_SIGINFO) != 0;
    void (*handler)(int) = action->sa_handler;
    void (*handler_siginfo)(int, siginfo_t *, void *) = action->sa_sigaction;
    if (!siginfo && handler == SIG_IGN && sent) return;
    /* The kernel lets nobody ignore a fault. */
    if (!siginfo && (handler == SIG_DFL || handler == SIG_IGN)) return do_default(info);
    if (by_kernel) set_action_mask(action, context);
    if ((action->sa_flags & (int)SA_RESETHAND) != 0)
        *action = (struct sigaction){.sa_handler = SIG_DFL};
    if (siginfo)
        handler_siginfo(SIGSEGV, info, context);
    else
        handler(SIGSEGV);
}

/* The kernel's frame is right above that of the function which it calls. The sanitizer calls
 * handlers itself: there the first call is taken for the kernel's. */
static bool called_by_kernel(const void *frame, const siginfo_t *info, const void *context) {
#ifdef THREAD_SANITIZER
    (void)frame, (void)info, (void)context;
    return left_to_ask == 0;
#elif defined(__x86_64__)
    (void)info;
    return frame == context;
#else
    (void)context;
    return frame == info;
#endif
}

static void pass_on(siginfo_t *info, void *context, bool by_kernel) {
    if (by_kernel) left_to_ask = atomic_load_explicit(&kept_count, memory_order_acquire);
    if (left_to_ask == 0)
        do_default(info);
    else
        perform_action(&kept_actions[--left_to_ask], info, context, by_kernel);
    if (by_kernel) left_to_ask = 0;
}

/* ---- faults of our own ---- */

#define PLACE_WORDS 5 /* of __builtin_setjmp */

/* Where the thread goes on after a fault; NULL: it does not. */
static __thread void **way_out;

#define ALL_BUT_FAULTS (~((uint64_t)1 << (SIGSEGV - 1)))

bool fault_survive(void (*call)(void *), void *argument) {
    void *place[PLACE_WORDS];
    bool done = false;
    if (__builtin_setjmp(place) == 0) {
        way_out = place;
        os_restore_signals(ALL_BUT_FAULTS);
        call(argument);
        done = true;
    }
    way_out = NULL;
    os_block_signals();
    return done;
}

static NOINLINE void leave_fault(void) {
    void **place = way_out;
    way_out = NULL;
    __builtin_longjmp(place, 1);
}

/* ---- the handler ---- */

static void on_fault(int signal, siginfo_t *info, void *context) {
    (void)signal;
    if (info->si_code > 0 && way_out != NULL) leave_fault();
    bool by_kernel = called_by_kernel(__builtin_dwarf_cfa(), info, context);
    if (info->si_code > 0 && fault_report(info->si_addr, context)) return;
    pass_on(info, context, by_kernel);
}

/* ---- being there ---- */

static bool is_our_action(const struct sigaction *action) {
    return (action->sa_flags & SA_SIGINFO) != 0 && action->sa_sigaction == on_fault;
}

/* One that comes back had replaced all after it. */
static void keep_action(const struct sigaction *action) {
    unsigned count = atomic_load_explicit(&kept_count, memory_order_relaxed);
    for (unsigned i = 0; i < count; i++)
        if (kept_actions[i].sa_sigaction == action->sa_sigaction) count = i;
    if (count == KEPT_MAX) count--;
    kept_actions[count] = *action;
    atomic_store_explicit(&kept_count, count + 1, memory_order_release);
}

static struct lock watch_lock;

static void watch_locked(void) {
    struct sigaction now;
    os_signal_action(SIGSEGV, NULL, &now);
    if (is_our_action(&now) || atomic_load_explicit(&surrendered, memory_order_relaxed)) return;
    keep_action(&now);
    struct sigaction ours = {.sa_sigaction = on_fault};
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK | (now.sa_flags & SA_RESTART);
    os_signal_action(SIGSEGV, &ours, NULL);
}

void fault_watch(void) {
    lock_take(&watch_lock);
    watch_locked();
    lock_drop(&watch_lock);
}

RARE void fault_after_fork(void) {
    atomic_store_explicit(&watch_lock.word, 0, memory_order_relaxed);
}
