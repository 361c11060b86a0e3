/*
 * Mallow's handler is called first. It then calls the program's handlers as the kernel would call
 * them without Mallow:
 *
 *     fault -> ours -> the program's newest -> (it calls what it replaced: ours) -> the one before
 *
 * Linux sends only SIGSEGV for inaccessible pages, so SIGBUS is left to the program.
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

/* The actions that Mallow's handler has replaced, oldest first. */
static UNTOUCHED struct sigaction fault_kept[KEPT_MAX];
static UNTOUCHED _Atomic unsigned fault_kept_count;
static UNTOUCHED _Atomic bool fault_surrendered;

/* The number of actions that have not been tried yet for the thread's current signal. */
static __thread unsigned fault_left_to_ask;

static void fault_set_default(void) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    atomic_store_explicit(&fault_surrendered, true, memory_order_relaxed);
    os_signal_action(SIGSEGV, &action, NULL);
}

/* Returning repeats the access, which then ends the process. A signal that was sent, and not caused
 * by an access, is sent again. */
static void fault_do_default(const siginfo_t *info) {
    fault_set_default();
    if (info->si_code <= 0) os_raise(SIGSEGV);
}

static uint64_t fault_mask_word(const sigset_t *set) {
    uint64_t word;
    memcpy(&word, set, sizeof word);
    return word;
}

/* Sets the mask that the kernel would have set for this handler. */
static void fault_set_mask(const struct sigaction *action, const ucontext_t *context) {
    uint64_t mask = fault_mask_word(&context->uc_sigmask) | fault_mask_word(&action->sa_mask);
    if ((action->sa_flags & SA_NODEFER) == 0) mask |= (uint64_t)1 << (SIGSEGV - 1);
    os_restore_signals(mask);
}

static void fault_perform(struct sigaction *action, siginfo_t *info, void *context,
                          bool by_kernel) {
    bool sent = info->si_code <= 0, siginfo = (action->sa_flags & SA_SIGINFO) != 0;
    void (*handler)(int) = action->sa_handler;
    void (*handler_siginfo)(int, siginfo_t *, void *) = action->sa_sigaction;
    if (!siginfo && handler == SIG_IGN && sent) return;
    /* The kernel does not let a process ignore a fault. */
    if (!siginfo && (handler == SIG_DFL || handler == SIG_IGN)) return fault_do_default(info);
    if (by_kernel) fault_set_mask(action, context);
    if ((action->sa_flags & (int)SA_RESETHAND) != 0)
        *action = (struct sigaction){.sa_handler = SIG_DFL};
    if (siginfo)
        handler_siginfo(SIGSEGV, info, context);
    else
        handler(SIGSEGV);
}

/* The kernel's frame lies directly above the frame of the function that it calls. ThreadSanitizer
 * calls handlers itself, so there the first call counts as the kernel's. */
static bool fault_called_by_kernel(const void *frame, const siginfo_t *info, const void *context) {
#ifdef THREAD_SANITIZER
    (void)frame, (void)info, (void)context;
    return fault_left_to_ask == 0;
#elif defined(__x86_64__)
    (void)info;
    return frame == context;
#else
    (void)context;
    return frame == info;
#endif
}

static void fault_pass_on(siginfo_t *info, void *context, bool by_kernel) {
    if (by_kernel)
        fault_left_to_ask = atomic_load_explicit(&fault_kept_count, memory_order_acquire);
    if (fault_left_to_ask == 0)
        fault_do_default(info);
    else
        fault_perform(&fault_kept[--fault_left_to_ask], info, context, by_kernel);
    if (by_kernel) fault_left_to_ask = 0;
}

/* ---- faults within a report ---- */

#define PLACE_WORDS 5 /* size of the buffer of __builtin_setjmp */

/* The place where the thread continues after a fault; NULL outside fault_survive. */
static __thread void **fault_way_out;

#define ALL_BUT_FAULTS (~((uint64_t)1 << (SIGSEGV - 1)))

bool fault_survive(void (*call)(void *), void *argument) {
    void *place[PLACE_WORDS];
    bool done = false;
    if (__builtin_setjmp(place) == 0) {
        fault_way_out = place;
        os_restore_signals(ALL_BUT_FAULTS);
        call(argument);
        done = true;
    }
    fault_way_out = NULL;
    os_block_signals();
    return done;
}

static NOINLINE void fault_leave(void) {
    void **place = fault_way_out;
    fault_way_out = NULL;
    __builtin_longjmp(place, 1);
}

/* ---- the handler ---- */

static void fault_on_signal(int signal, siginfo_t *info, void *context) {
    (void)signal;
    if (info->si_code > 0 && fault_way_out != NULL) fault_leave();
    bool by_kernel = fault_called_by_kernel(__builtin_dwarf_cfa(), info, context);
    if (info->si_code > 0 && fault_report(info->si_addr, context)) return;
    fault_pass_on(info, context, by_kernel);
}

/* ---- installing the handler ---- */

static bool fault_is_our_action(const struct sigaction *action) {
    return (action->sa_flags & SA_SIGINFO) != 0 && action->sa_sigaction == fault_on_signal;
}

/* If the program has put back an earlier action, those that were kept after it no longer count. */
static void fault_keep_action(const struct sigaction *action) {
    unsigned count = atomic_load_explicit(&fault_kept_count, memory_order_relaxed);
    for (unsigned i = 0; i < count; i++)
        if (fault_kept[i].sa_sigaction == action->sa_sigaction) count = i;
    if (count == KEPT_MAX) count--;
    fault_kept[count] = *action;
    atomic_store_explicit(&fault_kept_count, count + 1, memory_order_release);
}

static struct lock fault_watch_lock;

static bool fault_is_watched(struct sigaction *now) {
    os_signal_action(SIGSEGV, NULL, now);
    return fault_is_our_action(now) ||
           atomic_load_explicit(&fault_surrendered, memory_order_relaxed);
}

static void fault_watch_locked(void) {
    struct sigaction now;
    if (fault_is_watched(&now)) return;
    fault_keep_action(&now);
    struct sigaction ours = {.sa_sigaction = fault_on_signal};
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK | (now.sa_flags & SA_RESTART);
    os_signal_action(SIGSEGV, &ours, NULL);
}

void fault_watch(void) {
    struct sigaction now;
    if (fault_is_watched(&now)) return;
    lock_take(&fault_watch_lock);
    fault_watch_locked();
    lock_drop(&fault_watch_lock);
}

RARE void fault_after_fork(void) {
    atomic_store_explicit(&fault_watch_lock.word, 0, memory_order_relaxed);
}
