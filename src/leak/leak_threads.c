#include "leak/leak_threads.h"

#include <string.h>

#include "base/compiler.h"
#include "base/numbers.h"
#include "heap/shared.h"
#include "os/open_lock.h"
#include "os/os.h"
#include "os/os_process.h"
#include "os/os_thread.h"

#define FIRST_THREADS 128u
#define CHILD_NS ((int64_t)5000000)  /* limit on waiting for the child of a vfork */
#define STOP_NS ((int64_t)500000000) /* limit on waiting for all threads to stop */
#define WATCH_NS ((int64_t)2000000)  /* between two checks of threads that do not stop */

/* The data of the signal handler. */
static UNTOUCHED struct {
    _Atomic int round;   /* odd while threads are stopped */
    _Atomic int inside;  /* number of running handlers */
    _Atomic int stopped; /* number of threads stopped in this round */
    struct leak_thread *_Atomic list;
    _Atomic size_t count;
    int signal;
} leak_threads_parking;

/* ---- in the thread that stops ---- */

static struct leak_thread *leak_threads_parking_place(void) {
    int number = os_thread_id();
    struct leak_thread *list = atomic_load(&leak_threads_parking.list);
    size_t count = atomic_load(&leak_threads_parking.count);
    for (size_t i = 0; i < count; i++)
        if (list[i].number == number) return &list[i];
    return NULL;
}

static void leak_threads_park(int round, void *context) {
    struct leak_thread *self = leak_threads_parking_place();
    if (self == NULL) return;
    self->context = context;
    self->pointer = leak_thread_pointer();
    atomic_store(&self->state, THREAD_STOPPED);
    atomic_fetch_add(&leak_threads_parking.stopped, 1);
    os_wake_one(&leak_threads_parking.stopped);
    while (atomic_load(&leak_threads_parking.round) == round)
        os_wait(&leak_threads_parking.round, round);
    leak_resume_call(&self->call, context);
}

/* A signal that arrives late finds no round in progress, or the next round. */
static void leak_threads_on_signal(int signal, siginfo_t *info, void *context) {
    (void)info;
    /* The check reads the page heap and the shared slots, which these locks protect, so the thread
     * stops when it drops the lock. */
    if (open_lock_defers(&global_lock, signal) || open_lock_defers(&shared_lock, signal)) return;
    atomic_fetch_add(&leak_threads_parking.inside, 1);
    int round = atomic_load(&leak_threads_parking.round);
    if (round % 2 != 0) leak_threads_park(round, context);
    atomic_fetch_sub(&leak_threads_parking.inside, 1);
}

/* ---- the status of a thread in /proc ---- */

struct leak_threads_status {
    char text[2048];
};

static bool leak_threads_read_status(struct leak_threads_status *status, int thread) {
    struct leak_path path = leak_thread_path(thread, "status");
    long length = os_read_file(path.text, status->text, sizeof status->text - 1);
    status->text[length > 0 ? length : 0] = '\0';
    return length > 0;
}

/* Returns the text after the name of a field; empty if the field is missing. */
static const char *leak_threads_field(const struct leak_threads_status *status, const char *name) {
    const char *at = strstr(status->text, name);
    return at == NULL ? "" : at + strlen(name);
}

static uint64_t leak_threads_signals(const struct leak_threads_status *status, const char *name) {
    uint64_t signals = 0;
    for (const char *at = leak_threads_field(status, name);; at++) {
        if (*at >= '0' && *at <= '9')
            signals = signals * 16 + (uint64_t)(*at - '0');
        else if (*at >= 'a' && *at <= 'f')
            signals = signals * 16 + (uint64_t)(*at - 'a' + 10);
        else
            return signals;
    }
}

static uint64_t leak_threads_signal_bit(int signal) { return (uint64_t)1 << (signal - 1); }

/* ---- the list ---- */

struct leak_threads_listing {
    struct leak_threads *threads;
    int self;
    size_t next; /* index of the next thread if the kernel lists them in the same order again */
    bool more;
};

static bool leak_threads_is_listed(struct leak_threads_listing *listing, int number) {
    const struct leak_threads *threads = listing->threads;
    size_t count = min_size(threads->count, threads->capacity);
    for (size_t i = 0; i < count; i++) {
        size_t at = (listing->next + i) % count;
        if (threads->list[at].number != number) continue;
        listing->next = at + 1;
        return true;
    }
    return false;
}

static void leak_threads_add(void *to, int number) {
    struct leak_threads_listing *listing = to;
    struct leak_threads *threads = listing->threads;
    if (number == listing->self || leak_threads_is_listed(listing, number)) return;
    if (threads->count < threads->capacity)
        threads->list[threads->count] = (struct leak_thread){.number = number};
    threads->count++;
    listing->more = true;
}

/* Adds new threads to the list; *more is set to true if there were any. Returns false if the list
 * is too short or the threads are unknown. */
static bool leak_threads_add_all(struct leak_threads *threads, bool *more) {
    struct leak_threads_listing listing = {.threads = threads, .self = os_thread_id()};
    bool known = os_each_thread(leak_threads_add, &listing);
    *more = listing.more;
    return known && threads->count <= threads->capacity;
}

static const char *leak_threads_make_list(struct leak_threads *threads) {
    bool more;
    for (size_t room = FIRST_THREADS;; room = 2 * threads->count) {
        *threads = (struct leak_threads){.capacity = room};
        threads->list = os_map(room * sizeof *threads->list);
        if (threads->list == NULL) return "no memory for the list of threads";
        if (leak_threads_add_all(threads, &more) && threads->count <= room / 2) return NULL;
        bool known = threads->count > room / 2;
        os_unmap(threads->list, room * sizeof *threads->list);
        if (!known) return "the threads of the process cannot be listed (is /proc mounted?)";
    }
}

/* ---- the signal ---- */

/* libc's own signals, which a program cannot block. */
#define LIBC_SIGNALS ((uint64_t)3 << 31)

/* A thread that blocks libc's signals too holds one of the library's locks or is inside libc. This
 * lasts only for a moment, so the thread is not waiting for a signal. */
static bool leak_threads_is_blocked(uint64_t blocked, int signal) {
    return (blocked & leak_threads_signal_bit(signal)) != 0 &&
           (blocked & LIBC_SIGNALS) != LIBC_SIGNALS;
}

/* The number of threads that block each signal, and the set of signals that cannot be used. */
struct leak_threads_signal_use {
    unsigned blocked[65];
    uint64_t taken;
};

static void leak_threads_count_blocked(struct leak_threads_signal_use *use, uint64_t blocked) {
    for (int signal = SIGRTMIN; signal <= SIGRTMAX; signal++)
        use->blocked[signal] += leak_threads_is_blocked(blocked, signal);
}

/* The library's own threads have its name and block all signals. */
static bool leak_threads_is_ours(const struct leak_threads_status *status, uint64_t blocked) {
    return strncmp(leak_threads_field(status, "Name:\t"), "mallow\n", 7) == 0 &&
           leak_threads_is_blocked(blocked, SIGRTMIN);
}

static void leak_threads_examine(struct leak_threads *threads,
                                 struct leak_threads_signal_use *use) {
    struct leak_threads_status status;
    for (size_t i = 0; i < threads->count; i++) {
        struct leak_thread *thread = &threads->list[i];
        if (!leak_threads_read_status(&status, thread->number)) continue;
        uint64_t blocked = leak_threads_signals(&status, "SigBlk:\t");
        use->taken |= leak_threads_signals(&status, "SigPnd:\t");
        if (leak_threads_is_ours(&status, blocked))
            thread->state = THREAD_OURS;
        else
            leak_threads_count_blocked(use, blocked);
    }
}

/* Chooses a signal that the program does not handle or ignore and that is not pending, and among
 * these the one that the fewest threads block. The search starts near the upper end, because
 * programs rarely use the highest signals. Returns 0 if there is none. */
static int leak_threads_choose_signal(struct leak_threads *threads) {
    struct leak_threads_signal_use use = {.taken = 0};
    struct leak_threads_status status;
    int chosen = 0;
    if (!leak_threads_read_status(&status, os_process_id())) return 0;
    use.taken =
        leak_threads_signals(&status, "SigIgn:\t") | leak_threads_signals(&status, "SigCgt:\t") |
        leak_threads_signals(&status, "ShdPnd:\t") | leak_threads_signals(&status, "SigPnd:\t");
    leak_threads_examine(threads, &use);
    for (int signal = SIGRTMAX - 1; signal >= SIGRTMIN; signal--) {
        if ((use.taken & leak_threads_signal_bit(signal)) != 0) continue;
        if (chosen == 0 || use.blocked[signal] < use.blocked[chosen]) chosen = signal;
    }
    return chosen;
}

/* ---- stopping ---- */

/* A thread that blocks the signal may be waiting for it, so the signal is not sent to it. */
static void leak_threads_signal(struct leak_thread *thread) {
    struct leak_threads_status status;
    bool there = leak_threads_read_status(&status, thread->number);
    uint64_t blocked = there ? leak_threads_signals(&status, "SigBlk:\t") : 0;
    atomic_store(&thread->state, !there                                   ? THREAD_GONE
                                 : leak_threads_is_ours(&status, blocked) ? THREAD_OURS
                                 : leak_threads_is_blocked(blocked, leak_threads_parking.signal)
                                     ? THREAD_MISSED
                                     : THREAD_SIGNALLED);
    if (thread->state == THREAD_SIGNALLED) thread->call = leak_call_of(thread->number);
    if (thread->state == THREAD_SIGNALLED &&
        !os_signal_thread(thread->number, leak_threads_parking.signal))
        atomic_store(&thread->state,
                     os_thread_is_gone(thread->number) ? THREAD_GONE : THREAD_MISSED);
}

static void leak_threads_signal_found(struct leak_threads *threads) {
    atomic_store(&leak_threads_parking.count, threads->count);
    for (size_t i = 0; i < threads->count; i++)
        if (threads->list[i].state == THREAD_FOUND) leak_threads_signal(&threads->list[i]);
}

/* Returns true if the thread waits for the child of a vfork, which may run for a long time. Other
 * uninterruptible sleep is short. */
static bool leak_threads_waits_for_child(const struct leak_thread *thread,
                                         const struct leak_threads_status *status) {
    if (*leak_threads_field(status, "State:\t") != 'D') return false;
    struct leak_call call = leak_call_of(thread->number);
    return leak_call_is_fork(&call);
}

/* Returns true if the thread will not handle the signal in time, or blocks it by now. (A running
 * handler also blocks the signal, but then it is not pending.) */
static bool leak_threads_is_out_of_reach(const struct leak_thread *thread,
                                         const struct leak_threads_status *status, int64_t waited) {
    bool pending = (leak_threads_signals(status, "SigPnd:\t") &
                    leak_threads_signal_bit(leak_threads_parking.signal)) != 0;
    bool blocked = leak_threads_is_blocked(leak_threads_signals(status, "SigBlk:\t"),
                                           leak_threads_parking.signal);
    return waited > STOP_NS || (pending && blocked) ||
           (waited > CHILD_NS && leak_threads_waits_for_child(thread, status));
}

static void leak_threads_give_up(struct leak_thread *thread, int64_t waited) {
    struct leak_threads_status status;
    int signalled = THREAD_SIGNALLED;
    bool there = leak_threads_read_status(&status, thread->number);
    if (there && !leak_threads_is_out_of_reach(thread, &status, waited)) return;
    atomic_compare_exchange_strong(&thread->state, &signalled, there ? THREAD_MISSED : THREAD_GONE);
}

static size_t leak_threads_count(const struct leak_threads *threads, int state) {
    size_t count = 0;
    for (size_t i = 0; i < threads->count; i++) count += threads->list[i].state == state;
    return count;
}

static void leak_threads_await_stop(struct leak_threads *threads) {
    for (int64_t begun = os_exact_ns(), looked = begun;;) {
        int seen = atomic_load(&leak_threads_parking.stopped);
        if (leak_threads_count(threads, THREAD_SIGNALLED) == 0) return;
        os_wait_for(&leak_threads_parking.stopped, seen, WATCH_NS);
        int64_t now = os_exact_ns();
        if (now - looked < WATCH_NS) continue;
        looked = now;
        for (size_t i = 0; i < threads->count; i++)
            if (threads->list[i].state == THREAD_SIGNALLED)
                leak_threads_give_up(&threads->list[i], now - begun);
    }
}

/* Repeats until the kernel lists no new thread. Stopped threads start none. */
static bool leak_threads_stop_all(struct leak_threads *threads) {
    bool more = true;
    while (more) {
        leak_threads_signal_found(threads);
        leak_threads_await_stop(threads);
        if (!leak_threads_add_all(threads, &more)) return false;
    }
    threads->stopped = leak_threads_count(threads, THREAD_STOPPED);
    threads->missed = leak_threads_count(threads, THREAD_MISSED);
    return true;
}

const char *leak_threads_stop(struct leak_threads *threads) {
    const char *failure = leak_threads_make_list(threads);
    if (failure != NULL) return failure;
    leak_threads_parking.signal = leak_threads_choose_signal(threads);
    if (leak_threads_parking.signal == 0 ||
        !os_take_signal(leak_threads_parking.signal, leak_threads_on_signal)) {
        os_unmap(threads->list, threads->capacity * sizeof *threads->list);
        return "no realtime signal is free for stopping its threads";
    }
    atomic_store(&leak_threads_parking.stopped, 0);
    atomic_store(&leak_threads_parking.list, threads->list);
    atomic_fetch_add(&leak_threads_parking.round, 1);
    threads->begun = os_exact_ns();
    if (leak_threads_stop_all(threads)) return NULL;
    leak_threads_release(threads);
    leak_threads_forget(threads);
    return "it starts threads faster than they can be stopped";
}

int64_t leak_threads_release(struct leak_threads *threads) {
    atomic_fetch_add(&leak_threads_parking.round, 1);
    os_wake_all(&leak_threads_parking.round);
    int64_t stood = os_exact_ns() - threads->begun;
    os_leave_signal(leak_threads_parking.signal, leak_threads_on_signal);
    return stood;
}

/* If a handler does not end in time, the list stays mapped. */
void leak_threads_forget(struct leak_threads *threads) {
    for (int64_t end = os_exact_ns() + STOP_NS;
         atomic_load(&leak_threads_parking.inside) != 0 && os_exact_ns() < end;)
        os_wait_for(&leak_threads_parking.inside, atomic_load(&leak_threads_parking.inside),
                    WATCH_NS);
    if (atomic_load(&leak_threads_parking.inside) == 0)
        os_unmap(threads->list, threads->capacity * sizeof *threads->list);
}

/* If the signal handler is installed, it stays and does nothing. */
RARE void leak_threads_after_fork(void) {
    int round = atomic_load(&leak_threads_parking.round);
    atomic_store(&leak_threads_parking.round, round + round % 2);
    atomic_store(&leak_threads_parking.inside, 0);
}
