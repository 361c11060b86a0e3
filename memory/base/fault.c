#include "base/fault.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <ucontext.h>

#include "base/fork_lock.h"
#include "base/kernel.h"
#include "base/kernel_signal.h"

/* ---- parts of this library ---- */

#define FAULT_PARTS 8

static _Atomic(fault_part) fault_parts[FAULT_PARTS];

static void fault_add_part(fault_part part) {
    for (int i = 0; i < FAULT_PARTS; i++) {
        fault_part here = NULL;
        if (atomic_compare_exchange_strong(&fault_parts[i], &here, part) || here == part) return;
    }
    __builtin_trap(); /* FAULT_PARTS is too small */
}

static bool fault_is_known(fault_part part) {
    for (int i = 0; i < FAULT_PARTS; i++) {
        fault_part here = atomic_load_explicit(&fault_parts[i], memory_order_acquire);
        if (here == part || here == NULL) return here == part;
    }
    return false;
}

static bool fault_is_claimed(const siginfo_t *info, void *context) {
    if (info->si_code <= 0) return false; /* a process sent the signal */
    for (int i = 0; i < FAULT_PARTS; i++) {
        fault_part part = atomic_load_explicit(&fault_parts[i], memory_order_acquire);
        if (part == NULL) break;
        if (part(info, context)) return true;
    }
    return false;
}

/* ---- the program's handlers ---- */

/*
 * The library has several handlers. Each of them replaces one action of the program, and passes
 * faults on to this action only. The program may replace our handler by one that calls ours, and we
 * may then replace that one by another of our handlers. No loop results:
 *
 *     fault -> ours[1] -> the program's second -> ours[0] -> the program's first
 */
#define FAULT_HANDLERS 8

/* An action does not change after its handler is installed, except that is_spent is set when
 * SA_RESETHAND takes effect. */
static struct fault_signal {
    int number, count;
    struct {
        struct sigaction action;
        _Atomic bool is_spent;
    } replaced[FAULT_HANDLERS];
} fault_signals[] = {{.number = SIGSEGV}, {.number = SIGBUS}};

/* Leaves the signal to the kernel. When the handler returns, the access is repeated, and its fault
 * ends the process. Other signals are sent again. */
static void fault_do_default(int signal, const siginfo_t *info) {
    kernel_signal_action(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    if (info->si_code <= 0 || (signal == SIGBUS && info->si_code == BUS_MCEERR_AO))
        kernel_signal_again(signal, info);
}

/* The kernel stores only the first word of the set. */
static sigset_t fault_mask_before(const void *context) {
    sigset_t mask;
    sigemptyset(&mask);
    memcpy(&mask, &((const ucontext_t *)context)->uc_sigmask, sizeof(uint64_t));
    return mask;
}

/* Sets the mask that the kernel would have set for this action. */
static void fault_set_mask(int signal, const struct sigaction *action, const void *context) {
    sigset_t mask = fault_mask_before(context);
    for (int other = 1; other < NSIG; other++)
        if (sigismember(&action->sa_mask, other) == 1) sigaddset(&mask, other);
    if ((action->sa_flags & SA_NODEFER) == 0) sigaddset(&mask, signal);
    kernel_restore_signals(&mask);
}

/* Does what the program's action does for this signal. */
static void fault_pass_on(struct fault_signal *of, int handler, siginfo_t *info, void *context,
                          bool by_kernel) {
    const struct sigaction *action = &of->replaced[handler].action;
    bool has_info = (action->sa_flags & SA_SIGINFO) != 0;
    if (!has_info && action->sa_handler == SIG_IGN && info->si_code <= 0) return;
    /* A process cannot ignore a fault. */
    bool is_default = !has_info && (action->sa_handler == SIG_DFL || action->sa_handler == SIG_IGN);
    if (!is_default && (action->sa_flags & (int)SA_RESETHAND) != 0)
        is_default = atomic_exchange(&of->replaced[handler].is_spent, true);
    if (is_default) return fault_do_default(of->number, info);
    if (by_kernel) fault_set_mask(of->number, action, context);
    if (has_info)
        action->sa_sigaction(of->number, info, context);
    else
        action->sa_handler(of->number);
}

/* ---- our handlers ---- */

/* The kernel stores `info` and `context` directly above the frame of the handler that it calls. One
 * of them comes first. */
static void fault_handle(int handler, int signal, siginfo_t *info, void *context,
                         const void *frame) {
    int error = errno;
    bool is_claimed = fault_is_claimed(info, context);
    errno = error;
    if (!is_claimed)
        fault_pass_on(&fault_signals[signal == SIGBUS], handler, info, context,
                      frame == info || frame == context);
}

#define FAULT_HANDLER(n)                                                        \
    static void fault_handler_##n(int signal, siginfo_t *info, void *context) { \
        fault_handle(n, signal, info, context, __builtin_dwarf_cfa());          \
    }
FAULT_HANDLER(0)
FAULT_HANDLER(1)
FAULT_HANDLER(2)
FAULT_HANDLER(3)
FAULT_HANDLER(4)
FAULT_HANDLER(5)
FAULT_HANDLER(6)
FAULT_HANDLER(7)

static void (*const fault_handlers[FAULT_HANDLERS])(int, siginfo_t *, void *) = {
    fault_handler_0, fault_handler_1, fault_handler_2, fault_handler_3,
    fault_handler_4, fault_handler_5, fault_handler_6, fault_handler_7,
};

_Noreturn void fault_leave(sigjmp_buf place, const void *context) {
    sigset_t mask = fault_mask_before(context);
    kernel_restore_signals(&mask);
    siglongjmp(place, 1);
}

/* ---- installing a handler ---- */

static bool fault_is_ours(const struct sigaction *action) {
    for (int i = 0; i < FAULT_HANDLERS; i++)
        if ((action->sa_flags & SA_SIGINFO) != 0 && action->sa_sigaction == fault_handlers[i])
            return true;
    return false;
}

static bool fault_is_equal(const struct sigaction *a, const struct sigaction *b) {
    return a->sa_handler == b->sa_handler && a->sa_flags == b->sa_flags &&
           memcmp(&a->sa_mask, &b->sa_mask, sizeof(uint64_t)) == 0;
}

/* Returns the number of the handler that passes faults on to the action, or FAULT_HANDLERS if all
 * handlers have other actions. */
static int fault_handler_for(struct fault_signal *of, const struct sigaction *action) {
    int i = 0;
    while (i < of->count && !fault_is_equal(&of->replaced[i].action, action)) i++;
    if (i == FAULT_HANDLERS) return i;
    of->replaced[i].action = *action;
    of->replaced[i].is_spent = false;
    if (i == of->count) of->count++;
    return i;
}

static bool fault_is_installed_for(int signal, struct sigaction *now) {
    return kernel_signal_action(signal, NULL, now) && fault_is_ours(now);
}

/* If a fork interrupts this, the child can call it again. */
static bool fault_install_for(struct fault_signal *of) {
    struct sigaction now, ours = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
    if (!kernel_signal_action(of->number, NULL, &now)) return false;
    if (fault_is_ours(&now)) return true;
    int handler = fault_handler_for(of, &now);
    if (handler == FAULT_HANDLERS) {
        errno = ENOSPC;
        return false;
    }
    ours.sa_sigaction = fault_handlers[handler];
    ours.sa_flags |= now.sa_flags & SA_RESTART;
    return kernel_signal_action(of->number, &ours, NULL);
}

static fork_lock fault_lock;

bool fault_watch_again(void) {
    struct sigaction now;
    sigset_t mask;
    if (fault_is_installed_for(SIGSEGV, &now) && fault_is_installed_for(SIGBUS, &now)) return true;
    fork_lock_take(&fault_lock, &mask);
    bool is_installed =
        fault_install_for(&fault_signals[0]) && fault_install_for(&fault_signals[1]);
    fork_lock_drop(&fault_lock, &mask);
    return is_installed;
}

bool fault_watch(fault_part part) {
    if (fault_is_known(part)) return true;
    if (!fault_watch_again()) return false;
    fault_add_part(part);
    return true;
}
