#include "leak/leak_threads.h"

#include <string.h>

#include "base/compiler.h"
#include "base/numbers.h"
#include "heap/cold.h"
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
} parking;

/* ---- in the thread that stops ---- */

static struct leak_thread *parking_place(void) {
    int number = os_thread_id();
    struct leak_thread *list = atomic_load(&parking.list);
    size_t count = atomic_load(&parking.count);
    for (size_t i = 0; i < count; i++)
        if (list[i].number == number) return &list[i];
    return NULL;
}

static void park(int round, void *context) {
    struct leak_thread *self = parking_place();
    if (self == NULL) return;
    self->context = context;
    self->pointer = leak_thread_pointer();
    atomic_store(&self->state, THREAD_STOPPED);
    atomic_fetch_add(&parking.stopped, 1);
    os_wake_one(&parking.stopped);
    while (atomic_load(&parking.round) == round) os_wait(&parking.round, round);
    leak_resume_call(&self->call, context);
}

/* A late signal finds no round, or the next one. */
static void on_park_signal(int signal, siginfo_t *info, void *context) {
    (void)info;
    /* The check reads the pages and depots that these locks protect, so the thread stops later. */
    if (open_lock_defers(&global_lock, signal) || open_lock_defers(&cold_lock, signal)) return;
    atomic_fetch_add(&parking.inside, 1);
    int round = atomic_load(&parking.round);
    if (round % 2 != 0) park(round, context);
    atomic_fetch_sub(&parking.inside, 1);
}

/* ---- the status of a thread in /proc ---- */

struct thread_status {
    char text[2048];
};

static bool read_status(struct thread_status *status, int thread) {
    struct leak_path path = leak_thread_path(thread, "status");
    long length = os_read_file(path.text, status->text, sizeof status->text - 1);
    status->text[length > 0 ? length : 0] = '\0';
    return length > 0;
}

/* Returns the text after the name of a field; empty if the field is missing. */
static const char *thread_field(const struct thread_status *status, const char *name) {
    const char *at = strstr(status->text, name);
    return at == NULL ? "" : at + strlen(name);
}

static uint64_t thread_signals(const struct thread_status *status, const char *name) {
    uint64_t signals = 0;
    for (const char *at = thread_field(status, name);; at++) {
        if (*at >= '0' && *at <= '9')
            signals = signals * 16 + (uint64_t)(*at - '0');
        else if (*at >= 'a' && *at <= 'f')
            signals = signals * 16 + (uint64_t)(*at - 'a' + 10);
        else
            return signals;
    }
}

static uint64_t signal_bit(int signal) { return (uint64_t)1 << (signal - 1); }

/* ---- the list ---- */

struct listing {
    struct leak_threads *threads;
    int self;
    size_t next; /* index of the next thread if the kernel lists them in the same order again */
    bool more;
};

static bool is_listed(struct listing *listing, int number) {
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

static void list_thread(void *to, int number) {
    struct listing *listing = to;
    struct leak_threads *threads = listing->threads;
    if (number == listing->self || is_listed(listing, number)) return;
    if (threads->count < threads->capacity)
        threads->list[threads->count] = (struct leak_thread){.number = number};
    threads->count++;
    listing->more = true;
}

/* Adds new threads to the list; *more is set to true if there were any. Returns false if the list
 * is too short or the threads are unknown. */
static bool list_threads(struct leak_threads *threads, bool *more) {
    struct listing listing = {.threads = threads, .self = os_thread_id()};
    bool known = os_each_thread(list_thread, &listing);
    *more = listing.more;
    return known && threads->count <= threads->capacity;
}

static const char *make_list(struct leak_threads *threads) {
    bool more;
    for (size_t room = FIRST_THREADS;; room = 2 * threads->count) {
        *threads = (struct leak_threads){.capacity = room};
        threads->list = os_map(room * sizeof *threads->list);
        if (threads->list == NULL) return "no memory for the list of threads";
        if (list_threads(threads, &more) && threads->count <= room / 2) return NULL;
        bool known = threads->count > room / 2;
        os_unmap(threads->list, room * sizeof *threads->list);
        if (!known) return "the threads of the process cannot be listed (is /proc there?)";
    }
}

/* ---- the signal ---- */

/* libc's own signals, which a program cannot block. */
#define LIBC_SIGNALS ((uint64_t)3 << 31)

/* A thread that blocks libc's signals too holds one of the library's locks or is inside libc. This
 * lasts only for a moment, so the thread is not waiting for a signal. */
static bool is_blocked(uint64_t blocked, int signal) {
    return (blocked & signal_bit(signal)) != 0 && (blocked & LIBC_SIGNALS) != LIBC_SIGNALS;
}

/* The number of threads that block each signal, and the set of signals that cannot be used. */
struct signal_use {
    unsigned blocked[65];
    uint64_t taken;
};

static void count_blocked(struct signal_use *use, uint64_t blocked) {
    for (int signal = SIGRTMIN; signal <= SIGRTMAX; signal++)
        use->blocked[signal] += is_blocked(blocked, signal);
}

/* The library's own threads have its name and block all signals. */
static bool is_our_thread(const struct thread_status *status, uint64_t blocked) {
    return strncmp(thread_field(status, "Name:\t"), "mallow\n", 7) == 0 &&
           is_blocked(blocked, SIGRTMIN);
}

static void look_at_threads(struct leak_threads *threads, struct signal_use *use) {
    struct thread_status status;
    for (size_t i = 0; i < threads->count; i++) {
        struct leak_thread *thread = &threads->list[i];
        if (!read_status(&status, thread->number)) continue;
        uint64_t blocked = thread_signals(&status, "SigBlk:\t");
        use->taken |= thread_signals(&status, "SigPnd:\t");
        if (is_our_thread(&status, blocked))
            thread->state = THREAD_OURS;
        else
            count_blocked(use, blocked);
    }
}

/* Chooses a signal that the program does not handle or ignore and that is not pending, and among
 * these the one that the fewest threads block. It starts near the upper end, because programs
 * rarely use those. Returns 0 if there is none. */
static int choose_signal(struct leak_threads *threads) {
    struct signal_use use = {.taken = 0};
    struct thread_status status;
    int chosen = 0;
    if (!read_status(&status, os_process_id())) return 0;
    use.taken = thread_signals(&status, "SigIgn:\t") | thread_signals(&status, "SigCgt:\t") |
                thread_signals(&status, "ShdPnd:\t") | thread_signals(&status, "SigPnd:\t");
    look_at_threads(threads, &use);
    for (int signal = SIGRTMAX - 1; signal >= SIGRTMIN; signal--) {
        if ((use.taken & signal_bit(signal)) != 0) continue;
        if (chosen == 0 || use.blocked[signal] < use.blocked[chosen]) chosen = signal;
    }
    return chosen;
}

/* ---- stopping ---- */

/* A thread that blocks the signal may be waiting for it, so the signal is not sent to it. */
static void signal_thread(struct leak_thread *thread) {
    struct thread_status status;
    bool there = read_status(&status, thread->number);
    uint64_t blocked = there ? thread_signals(&status, "SigBlk:\t") : 0;
    atomic_store(&thread->state, !there                                ? THREAD_GONE
                                 : is_our_thread(&status, blocked)     ? THREAD_OURS
                                 : is_blocked(blocked, parking.signal) ? THREAD_MISSED
                                                                       : THREAD_SIGNALLED);
    if (thread->state == THREAD_SIGNALLED) thread->call = leak_call_of(thread->number);
    if (thread->state == THREAD_SIGNALLED && !os_signal_thread(thread->number, parking.signal))
        atomic_store(&thread->state,
                     os_thread_is_gone(thread->number) ? THREAD_GONE : THREAD_MISSED);
}

static void signal_found(struct leak_threads *threads) {
    atomic_store(&parking.count, threads->count);
    for (size_t i = 0; i < threads->count; i++)
        if (threads->list[i].state == THREAD_FOUND) signal_thread(&threads->list[i]);
}

/* The child of a vfork may run for long. Other uninterruptible sleep is short. */
static bool waits_for_child(const struct leak_thread *thread, const struct thread_status *status) {
    if (*thread_field(status, "State:\t") != 'D') return false;
    struct leak_call call = leak_call_of(thread->number);
    return leak_call_is_fork(&call);
}

/* Returns true if the thread will not handle the signal in time, or blocks it by now. (A running
 * handler also blocks the signal, but then it is not pending.) */
static bool is_out_of_reach(const struct leak_thread *thread, const struct thread_status *status,
                            int64_t waited) {
    bool pending = (thread_signals(status, "SigPnd:\t") & signal_bit(parking.signal)) != 0;
    bool blocked = is_blocked(thread_signals(status, "SigBlk:\t"), parking.signal);
    return waited > STOP_NS || (pending && blocked) ||
           (waited > CHILD_NS && waits_for_child(thread, status));
}

static void give_up(struct leak_thread *thread, int64_t waited) {
    struct thread_status status;
    int signalled = THREAD_SIGNALLED;
    bool there = read_status(&status, thread->number);
    if (there && !is_out_of_reach(thread, &status, waited)) return;
    atomic_compare_exchange_strong(&thread->state, &signalled, there ? THREAD_MISSED : THREAD_GONE);
}

static size_t count_threads(const struct leak_threads *threads, int state) {
    size_t count = 0;
    for (size_t i = 0; i < threads->count; i++) count += threads->list[i].state == state;
    return count;
}

static void await_stop(struct leak_threads *threads) {
    for (int64_t begun = os_exact_ns(), looked = begun;;) {
        int seen = atomic_load(&parking.stopped);
        if (count_threads(threads, THREAD_SIGNALLED) == 0) return;
        os_wait_for(&parking.stopped, seen, WATCH_NS);
        int64_t now = os_exact_ns();
        if (now - looked < WATCH_NS) continue;
        looked = now;
        for (size_t i = 0; i < threads->count; i++)
            if (threads->list[i].state == THREAD_SIGNALLED) give_up(&threads->list[i], now - begun);
    }
}

/* Repeats until the kernel lists no new thread: stopped threads start none. */
static bool stop_all(struct leak_threads *threads) {
    bool more = true;
    while (more) {
        signal_found(threads);
        await_stop(threads);
        if (!list_threads(threads, &more)) return false;
    }
    threads->stopped = count_threads(threads, THREAD_STOPPED);
    threads->missed = count_threads(threads, THREAD_MISSED);
    return true;
}

const char *leak_threads_stop(struct leak_threads *threads) {
    const char *failure = make_list(threads);
    if (failure != NULL) return failure;
    parking.signal = choose_signal(threads);
    if (parking.signal == 0 || !os_take_signal(parking.signal, on_park_signal)) {
        os_unmap(threads->list, threads->capacity * sizeof *threads->list);
        return "no realtime signal is free to stop its threads with";
    }
    atomic_store(&parking.stopped, 0);
    atomic_store(&parking.list, threads->list);
    atomic_fetch_add(&parking.round, 1);
    threads->begun = os_exact_ns();
    if (stop_all(threads)) return NULL;
    leak_threads_release(threads);
    leak_threads_forget(threads);
    return "it starts threads faster than they can be stopped";
}

int64_t leak_threads_release(struct leak_threads *threads) {
    atomic_fetch_add(&parking.round, 1);
    os_wake_all(&parking.round);
    int64_t stood = os_exact_ns() - threads->begun;
    os_leave_signal(parking.signal, on_park_signal);
    return stood;
}

/* If a handler does not end in time, the list stays mapped. */
void leak_threads_forget(struct leak_threads *threads) {
    for (int64_t end = os_exact_ns() + STOP_NS;
         atomic_load(&parking.inside) != 0 && os_exact_ns() < end;)
        os_wait_for(&parking.inside, atomic_load(&parking.inside), WATCH_NS);
    if (atomic_load(&parking.inside) == 0)
        os_unmap(threads->list, threads->capacity * sizeof *threads->list);
}

/* A handler that was set stays, and does nothing. */
RARE void leak_threads_after_fork(void) {
    int round = atomic_load(&parking.round);
    atomic_store(&parking.round, round + round % 2);
    atomic_store(&parking.inside, 0);
}
