/*
 * Handlers of the program's own are called after ours, as the kernel would call them, as if ours
 * were not there:
 *
 *     fault -> ours -> the program's newest -> (it calls what it replaced: ours) -> the one before
 *
 * Linux tells of inaccessible pages by SIGSEGV alone; SIGBUS is left to the program.
 */
#include "guard/fault.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <ucontext.h>

#include "base/atomics.h"
#include "base/compiler.h"
#include "base/text.h"
#include "guard/guard.h"
#include "heap/slab.h"
#include "os/os.h"
#include "report/report.h"

/* ---- ours to report ---- */

enum fault_kind { FAULT_ACCESS, FAULT_READ, FAULT_WRITE };

static enum fault_kind access_of(const ucontext_t *context) {
#if defined(__x86_64__)
    return (context->uc_mcontext.gregs[REG_ERR] & 2) != 0 ? FAULT_WRITE : FAULT_READ;
#else
    (void)context;
    return FAULT_ACCESS;
#endif
}

static void describe_access(struct text *t, const char *p, const struct block_info *block,
                            const ucontext_t *context) {
    static const char *const names[] = {"access", "read", "write"};
    text_add(t, names[access_of(context)]);
    if (block == NULL) return;
    text_add(t, p < block->start ? " at offset -" : " at offset ");
    text_add_number(t, (uint64_t)(p < block->start ? block->start - p : p - block->start));
}

static const char *cause_of(const char *p, const struct block_info *block) {
    if (block == NULL) return slab_is_end_guard(p) ? "heap overflow" : "use after free";
    if (block->life == LIFE_FREED) return "use after free";
    return p < block->start ? "heap underflow" : "heap overflow";
}

static bool is_inside_live(const char *p, const struct block_info *block) {
    return block->life == LIFE_LIVE && p >= block->start && p < block->start + block->size;
}

static bool is_guarded_place(const void *p) { return guard_contains(p) || slab_is_end_guard(p); }

/* False when it is about no block. Returns at all only when errors are not to end the program.
 * Apart from the rest, which must do with little stack. */
static NOINLINE bool report_fault(const char *p, const ucontext_t *context) {
    char detail[64] = {0};
    struct text t = {.buffer = detail, .size = sizeof detail - 1};
    struct block_info block;
    bool is_guarded = guard_contains(p);
    bool known = is_guarded ? guard_info(p, &block) : block_info_last(p, &block);
    /* Inside a live block something else is wrong: its code was executed, for instance. */
    if (known && is_inside_live(p, &block)) return false;
    describe_access(&t, p, known ? &block : NULL, context);
    report_error(&(struct error){
        .cause = cause_of(p, known ? &block : NULL),
        .p = p,
        .block = known ? &block : NULL,
        .detail = detail,
        .context = context,
    });
    return is_guarded ? guard_open(p) : slab_open_end(p);
}

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
    if (info->si_code > 0 && is_guarded_place(info->si_addr) &&
        report_fault(info->si_addr, context))
        return;
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

void fault_watch(void) {
    struct sigaction now;
    os_signal_action(SIGSEGV, NULL, &now);
    if (is_our_action(&now) || atomic_load_explicit(&surrendered, memory_order_relaxed)) return;
    keep_action(&now);
    struct sigaction ours = {.sa_sigaction = on_fault};
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK | (now.sa_flags & SA_RESTART);
    os_signal_action(SIGSEGV, &ours, NULL);
}
