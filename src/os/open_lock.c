#include "os/open_lock.h"

#include "os/lock.h"
#include "os/os.h"

/*
 * The word of a lock that is held:
 *
 *     63                              16 15       1      0
 *     | address of the holder's mark    | serial   | WAITED |
 *
 * The serial tells one holding from the next at the same address. The lower half is what threads
 * sleep on.
 */
#define WAITED ((uint64_t)1)
#define ADDRESS_SHIFT 16
#define SERIALS ((uint64_t)0xffff & ~WAITED)

#define LOCK_SPINS 100
#define LOCK_SLICE_NS ((int64_t)20000000)      /* between two looks at the holder's mark */
#define LOCK_PATIENCE_NS ((int64_t)1000000000) /* for a holder that may go on, for all we know */
#define LOCK_STUCK_NS ((int64_t)1000000) /* the same, once another thread has waited so long */

/* A frame whose mark lies so little below ours is gone, whatever stack it was on: slow paths need
 * that much of the stack for themselves. */
#define LOCK_NEAR 512u

/* What the thread holds or was about to take when it was interrupted. */
static __thread uint64_t own_word[OPEN_LOCKS] __attribute__((tls_model("initial-exec")));
static __thread uint64_t last_serial __attribute__((tls_model("initial-exec")));
static __thread bool was_refused __attribute__((tls_model("initial-exec")));
static __thread int deferred_signal __attribute__((tls_model("initial-exec")));

static bool blocks_signals;

void open_lock_block_signals(bool block) { racy_store(&blocks_signals, block); }

bool open_lock_was_refused(void) { return was_refused; }

/* ---- marks ---- */

static uint32_t mark_word(uint64_t word, unsigned i) {
    return (uint32_t)(word >> i % 2 * 32) ^ 0x9e3779b9u * (i + 1);
}

static void set_mark(struct lock_hold *hold, uint64_t word) {
    hold->word = word;
    for (unsigned i = 0; i < MARK_WORDS; i++)
        atomic_store_explicit(&hold->mark[i], mark_word(word, i), memory_order_relaxed);
    signal_order();
}

static void clear_mark(struct lock_hold *hold) {
    for (unsigned i = 0; i < MARK_WORDS; i++)
        atomic_store_explicit(&hold->mark[i], 0, memory_order_relaxed);
}

static struct lock_hold *hold_of(uint64_t word) {
    return (struct lock_hold *)(uintptr_t)(word >> ADDRESS_SHIFT);
}

/* The kernel compares, for the stack may not be there any more. */
static bool mark_is_damaged(uint64_t seen) {
    uint64_t word = seen & ~WAITED;
    struct lock_hold *hold = hold_of(word);
    for (unsigned i = 0; i < MARK_WORDS; i++)
        if (!os_still_holds(&hold->mark[i], mark_word(word, i))) return true;
    return false;
}

/* ---- taking ---- */

static uint64_t next_word(const struct lock_hold *hold) {
    last_serial += 2;
    return (uint64_t)(uintptr_t)hold << ADDRESS_SHIFT | (last_serial & SERIALS);
}

static bool lock_is_own(const struct open_lock *lock, uint64_t word) {
    return (word & ~WAITED) == own_word[lock->number];
}

/* Takes the lock from what it was seen as. The note comes first: whoever interrupts the thread from
 * then on knows the lock for its own. */
static bool lock_take_from(struct open_lock *lock, struct lock_hold *hold, uint64_t seen,
                           uint64_t waited) {
    uint64_t before = own_word[lock->number];
    own_word[lock->number] = hold->word;
    signal_order();
    if (atomic_compare_exchange_strong_explicit(&lock->word, &seen,
                                                hold->word | (seen & WAITED) | waited,
                                                memory_order_acq_rel, memory_order_relaxed)) {
        hold->before = before;
        return true;
    }
    own_word[lock->number] = before;
    return false;
}

static bool lock_take_over(struct open_lock *lock, struct lock_hold *hold, uint64_t seen) {
    if (!lock_take_from(lock, hold, seen, 0)) return false;
    lock->repair();
    return true;
}

/* The thread's own frame that holds the lock will not go on. */
static bool own_frame_is_gone(uint64_t word, const struct lock_hold *hold) {
    uintptr_t mark = (uintptr_t)hold_of(word), here = (uintptr_t)hold;
    return mark - (here - LOCK_NEAR) < LOCK_NEAR + sizeof *hold || mark_is_damaged(word);
}

static _Atomic int *sleeping_word(struct open_lock *lock) {
    bool big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
    return (_Atomic int *)(void *)&lock->word + big_endian;
}

static void lock_sleep(struct open_lock *lock, uint64_t seen, int64_t ns) {
    if ((seen & WAITED) == 0 &&
        !atomic_compare_exchange_strong_explicit(&lock->word, &seen, seen | WAITED,
                                                 memory_order_relaxed, memory_order_relaxed))
        return;
    os_wait_for(sleeping_word(lock), (int)(uint32_t)(seen | WAITED), ns);
}

/* Another thread's holding, and since when it is waited for. */
struct patience {
    uint64_t word;
    int64_t begun;
};

/* False when there is nothing to wait for. */
static bool lock_wait(struct open_lock *lock, uint64_t seen, struct patience *patience) {
    uint64_t word = seen & ~WAITED;
    bool stuck = word == atomic_load_explicit(&lock->stuck, memory_order_relaxed);
    int64_t now = os_coarse_ns();
    if (patience->word != word) *patience = (struct patience){word, now};
    if (now - patience->begun > (stuck ? LOCK_STUCK_NS : LOCK_PATIENCE_NS)) {
        atomic_store_explicit(&lock->stuck, word, memory_order_relaxed);
        return false;
    }
    lock_sleep(lock, seen, stuck ? LOCK_STUCK_NS : LOCK_SLICE_NS);
    return true;
}

static bool lock_take_free(struct open_lock *lock, struct lock_hold *hold) {
    for (int i = 0; i < LOCK_SPINS; i++) {
        uint64_t seen = atomic_load_explicit(&lock->word, memory_order_relaxed);
        if (seen == 0 && lock_take_from(lock, hold, 0, 0)) return true;
        if (seen != 0 && lock_is_own(lock, seen)) return false;
        spin_hint();
    }
    return false;
}

static NOINLINE bool lock_take_contended(struct open_lock *lock, struct lock_hold *hold) {
    if (lock_take_free(lock, hold)) return true;
    struct patience patience = {0, 0};
    for (;;) {
        uint64_t seen = atomic_load_explicit(&lock->word, memory_order_acquire);
        if (seen == 0) {
            if (lock_take_from(lock, hold, 0, patience.word == 0 ? 0 : WAITED)) return true;
        } else if (lock_is_own(lock, seen)) {
            if (!own_frame_is_gone(seen, hold)) return false;
            if (lock_take_over(lock, hold, seen)) return true;
        } else if (patience.word == (seen & ~WAITED) && mark_is_damaged(seen)) {
            if (lock_take_over(lock, hold, seen)) return true;
        } else if (!lock_wait(lock, seen, &patience)) {
            return false;
        }
    }
}

bool open_lock_take(struct open_lock *lock, struct lock_hold *hold) {
    hold->blocks_signals = racy_load(bool, &blocks_signals);
    if (unlikely(hold->blocks_signals)) hold->signals = os_block_signals();
    set_mark(hold, next_word(hold));
    bool seen_free = atomic_load_explicit(&lock->word, memory_order_relaxed) == 0;
    bool taken = (likely(seen_free) && likely(lock_take_from(lock, hold, 0, 0))) ||
                 lock_take_contended(lock, hold);
    was_refused = !taken;
    if (likely(taken)) return true;
    clear_mark(hold);
    if (hold->blocks_signals) os_restore_signals(hold->signals);
    return false;
}

/* ---- dropping ---- */

static NOINLINE void send_deferred(void) {
    int signal = deferred_signal;
    deferred_signal = 0;
    os_raise(signal);
}

void open_lock_drop(struct open_lock *lock, struct lock_hold *hold) {
    uint64_t word = hold->word;
    if (unlikely(atomic_load_explicit(&lock->stuck, memory_order_relaxed) == word))
        atomic_store_explicit(&lock->stuck, 0, memory_order_relaxed);
    if (unlikely((atomic_exchange_explicit(&lock->word, 0, memory_order_release) & WAITED) != 0))
        os_wake_one(sleeping_word(lock));
#ifndef __x86_64__
    atomic_thread_fence(memory_order_seq_cst); /* before the stack below is used again */
#endif
    own_word[lock->number] = hold->before;
    clear_mark(hold);
    if (unlikely(hold->blocks_signals)) os_restore_signals(hold->signals);
    if (unlikely(deferred_signal != 0)) send_deferred();
}

/* ---- forks and the leak check ---- */

RARE bool open_lock_after_fork(struct open_lock *lock) {
    uint64_t seen = atomic_load_explicit(&lock->word, memory_order_relaxed);
    atomic_store_explicit(&lock->stuck, 0, memory_order_relaxed);
    if (seen == 0 || lock_is_own(lock, seen)) return false;
    atomic_store_explicit(&lock->word, 0, memory_order_relaxed);
    return true;
}

RARE bool open_lock_defers(const struct open_lock *lock, int signal) {
    uint64_t word = atomic_load_explicit(&lock->word, memory_order_relaxed);
    struct lock_hold here = {.word = 0};
    if (word == 0 || !lock_is_own(lock, word) || own_frame_is_gone(word, &here)) return false;
    deferred_signal = signal;
    return true;
}
