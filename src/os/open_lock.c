#include "os/open_lock.h"

#include "base/atomics.h"
#include "base/compiler.h"
#include "os/lock.h"
#include "os/os.h"

/*
 * The word of a lock that is held:
 *
 *     63                              16 15       1      0
 *     | address of the holder's mark    | serial   | WAITED |
 *
 * The serial distinguishes successive holdings whose marks have the same address. Threads sleep on
 * the lower half of the word.
 */
#define WAITED ((uint64_t)1)
#define ADDRESS_SHIFT 16
#define SERIALS ((uint64_t)0xffff & ~WAITED)

#define NO_HOLDER ((uint64_t)2) /* no address, so every thread sees that the holder is gone */

#define NOT_HELD UINT64_MAX /* never a signal mask, because SIGKILL cannot be blocked */

#define LOCK_SPINS 100
#define LOCK_SLICE_NS ((int64_t)20000000)      /* between two checks of the holder's mark */
#define LOCK_PATIENCE_NS ((int64_t)1000000000) /* wait for a holder that may still continue */
#define LOCK_STUCK_NS ((int64_t)1000000) /* limit if another thread has given up on the holder */

/* For each kind, the word of the lock that the thread holds or is about to take. Signal handlers
 * read it. */
static __thread uint64_t open_lock_own_word[LOCK_KINDS] __attribute__((tls_model("initial-exec")));
static __thread uint64_t open_lock_last_serial __attribute__((tls_model("initial-exec")));
static __thread bool open_lock_refused __attribute__((tls_model("initial-exec")));
static __thread int open_lock_deferred_signal __attribute__((tls_model("initial-exec")));

static bool open_lock_blocks_signals;

void open_lock_block_signals(bool block) { racy_store(&open_lock_blocks_signals, block); }

bool open_lock_was_refused(void) { return open_lock_refused; }

static const struct frame_mark *open_lock_mark_of(uint64_t word) {
    return (const struct frame_mark *)(uintptr_t)(word >> ADDRESS_SHIFT);
}

/* True if the holder, in this or another thread, cannot continue. */
static bool open_lock_holder_is_gone(uint64_t seen) {
    return frame_mark_is_damaged(open_lock_mark_of(seen), seen & ~WAITED);
}

/* Like open_lock_holder_is_gone, for a holder in the calling thread. */
static bool open_lock_own_holder_is_gone(uint64_t seen, const struct lock_hold *hold) {
    return frame_mark_is_gone(open_lock_mark_of(seen), seen & ~WAITED, hold);
}

/* ---- taking ---- */

static void open_lock_set_hold(struct lock_hold *hold) {
    open_lock_last_serial += 2;
    hold->word =
        (uint64_t)(uintptr_t)&hold->mark << ADDRESS_SHIFT | (open_lock_last_serial & SERIALS);
    MALLOW_ASSERT(open_lock_mark_of(hold->word) == &hold->mark);
    MALLOW_ASSERT((hold->word & WAITED) == 0);
    hold->taken_over = false;
    frame_mark_set(&hold->mark, hold->word);
}

static bool open_lock_is_own(const struct open_lock *lock, uint64_t word) {
    return (word & ~WAITED) == open_lock_own_word[lock->kind];
}

#ifdef MALLOW_ASSERTIONS
bool open_lock_is_held(const struct open_lock *lock) {
    uint64_t word = atomic_load_explicit(&lock->word, memory_order_relaxed);
    return word != 0 && open_lock_is_own(lock, word);
}
#endif

/* Changes the lock from `seen` to this holding. open_lock_own_word is stored first, so that a
 * handler recognises the lock as its own thread's at every instruction. */
static bool open_lock_take_from(struct open_lock *lock, struct lock_hold *hold, uint64_t seen,
                                uint64_t waited) {
    MALLOW_ASSERT(lock->kind < LOCK_KINDS);
    MALLOW_ASSERT((seen & ~WAITED) != hold->word);
    uint64_t before = open_lock_own_word[lock->kind];
    open_lock_own_word[lock->kind] = hold->word;
    signal_order();
    if (atomic_compare_exchange_strong_explicit(&lock->word, &seen,
                                                hold->word | (seen & WAITED) | waited,
                                                memory_order_acq_rel, memory_order_relaxed)) {
        hold->before = before;
        return true;
    }
    open_lock_own_word[lock->kind] = before;
    return false;
}

static bool open_lock_take_over(struct open_lock *lock, struct lock_hold *hold, uint64_t seen) {
    if (!open_lock_take_from(lock, hold, seen, 0)) return false;
    hold->taken_over = true;
    if (lock->repair != NULL) lock->repair();
    return true;
}

static _Atomic int *open_lock_sleeping_word(struct open_lock *lock) {
    bool big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
    return (_Atomic int *)(void *)&lock->word + big_endian;
}

static void open_lock_sleep(struct open_lock *lock, uint64_t seen, int64_t ns) {
    if ((seen & WAITED) == 0 &&
        !atomic_compare_exchange_strong_explicit(&lock->word, &seen, seen | WAITED,
                                                 memory_order_relaxed, memory_order_relaxed))
        return;
    os_wait_for(open_lock_sleeping_word(lock), (int)(uint32_t)(seen | WAITED), ns);
}

/* The lock word whose change the caller waits for, and when it began to wait. */
struct open_lock_patience {
    uint64_t word;
    int64_t begun;
};

/* Returns true if the holder's mark should be checked. The check takes system calls, so it is made
 * only if the caller has already waited for this holding, or if the word has no address and
 * therefore no holder. */
static bool open_lock_is_known(uint64_t seen, const struct open_lock_patience *patience) {
    return patience->word == (seen & ~WAITED) || open_lock_mark_of(seen) == NULL;
}

/* Sleeps until the lock may have changed. Returns false if the caller should give up. */
static bool open_lock_wait(struct open_lock *lock, uint64_t seen,
                           struct open_lock_patience *patience) {
    uint64_t word = seen & ~WAITED;
    bool stuck = word == atomic_load_explicit(&lock->stuck, memory_order_relaxed);
    int64_t now = os_coarse_ns();
    if (patience->word != word) *patience = (struct open_lock_patience){word, now};
    if (now - patience->begun > (stuck ? LOCK_STUCK_NS : LOCK_PATIENCE_NS)) {
        atomic_store_explicit(&lock->stuck, word, memory_order_relaxed);
        return false;
    }
    open_lock_sleep(lock, seen, stuck ? LOCK_STUCK_NS : LOCK_SLICE_NS);
    return true;
}

static bool open_lock_take_free(struct open_lock *lock, struct lock_hold *hold) {
    for (int i = 0; i < LOCK_SPINS; i++) {
        uint64_t seen = atomic_load_explicit(&lock->word, memory_order_relaxed);
        if (seen == 0 && open_lock_take_from(lock, hold, 0, 0)) return true;
        if (seen != 0 && open_lock_is_own(lock, seen)) return false;
        spin_hint();
    }
    return false;
}

static NOINLINE bool open_lock_take_contended(struct open_lock *lock, struct lock_hold *hold) {
    if (open_lock_take_free(lock, hold)) return true;
    struct open_lock_patience patience = {0, 0};
    for (;;) {
        uint64_t seen = atomic_load_explicit(&lock->word, memory_order_acquire);
        if (seen == 0) {
            if (open_lock_take_from(lock, hold, 0, patience.word == 0 ? 0 : WAITED)) return true;
        } else if (open_lock_is_own(lock, seen)) {
            if (!open_lock_own_holder_is_gone(seen, hold)) return false;
            if (open_lock_take_over(lock, hold, seen)) return true;
        } else if (open_lock_is_known(seen, &patience) && open_lock_holder_is_gone(seen)) {
            if (open_lock_take_over(lock, hold, seen)) return true;
        } else if (!open_lock_wait(lock, seen, &patience)) {
            return false;
        }
    }
}

uint64_t open_lock_hold_signals(void) {
    return unlikely(racy_load(bool, &open_lock_blocks_signals)) ? os_block_signals() : NOT_HELD;
}

void open_lock_release_signals(uint64_t signals) {
    if (unlikely(signals != NOT_HELD)) os_restore_signals(signals);
}

static bool open_lock_refuse(struct lock_hold *hold) {
    frame_mark_clear(&hold->mark);
    open_lock_release_signals(hold->signals);
    return false;
}

static uint64_t open_lock_hold_signals_for(const struct open_lock *lock) {
    return lock->interruptible ? NOT_HELD : open_lock_hold_signals();
}

bool open_lock_take(struct open_lock *lock, struct lock_hold *hold) {
    hold->signals = open_lock_hold_signals_for(lock);
    open_lock_set_hold(hold);
    bool seen_free = atomic_load_explicit(&lock->word, memory_order_relaxed) == 0;
    bool taken = (likely(seen_free) && likely(open_lock_take_from(lock, hold, 0, 0))) ||
                 open_lock_take_contended(lock, hold);
    open_lock_refused = !taken;
    return likely(taken) || open_lock_refuse(hold);
}

bool open_lock_try(struct open_lock *lock, struct lock_hold *hold) {
    hold->signals = open_lock_hold_signals_for(lock);
    open_lock_set_hold(hold);
    uint64_t seen = atomic_load_explicit(&lock->word, memory_order_acquire);
    if (seen == 0) return open_lock_take_from(lock, hold, 0, 0) || open_lock_refuse(hold);
    bool gone = lock->repair != NULL &&
                (open_lock_is_own(lock, seen) ? open_lock_own_holder_is_gone(seen, hold)
                                              : open_lock_holder_is_gone(seen));
    return (gone && open_lock_take_over(lock, hold, seen)) || open_lock_refuse(hold);
}

/* ---- dropping ---- */

static NOINLINE void open_lock_send_deferred(void) {
    int signal = open_lock_deferred_signal;
    open_lock_deferred_signal = 0;
    os_raise(signal);
}

void open_lock_drop(struct open_lock *lock, struct lock_hold *hold) {
    uint64_t word = hold->word;
    MALLOW_ASSERT((atomic_load_explicit(&lock->word, memory_order_relaxed) & ~WAITED) == word);
    MALLOW_ASSERT(!frame_mark_is_damaged(&hold->mark, word));
    if (unlikely(atomic_load_explicit(&lock->stuck, memory_order_relaxed) == word))
        atomic_store_explicit(&lock->stuck, 0, memory_order_relaxed);
    if (unlikely((atomic_exchange_explicit(&lock->word, 0, memory_order_release) & WAITED) != 0))
        os_wake_one(open_lock_sleeping_word(lock));
#ifndef __x86_64__
    atomic_thread_fence(memory_order_seq_cst); /* before that part of the stack is reused */
#endif
    open_lock_own_word[lock->kind] = hold->before;
    frame_mark_clear(&hold->mark);
    open_lock_release_signals(hold->signals);
    if (unlikely(open_lock_deferred_signal != 0)) open_lock_send_deferred();
}

/* ---- forks and the leak check ---- */

RARE bool open_lock_after_fork(struct open_lock *lock) {
    uint64_t seen = atomic_load_explicit(&lock->word, memory_order_relaxed);
    atomic_store_explicit(&lock->stuck, 0, memory_order_relaxed);
    if (seen == 0 || open_lock_is_own(lock, seen)) return false;
    atomic_store_explicit(&lock->word, 0, memory_order_relaxed);
    return true;
}

RARE void open_lock_lose(struct open_lock *lock) {
    uint64_t seen = atomic_load_explicit(&lock->word, memory_order_relaxed);
    if (seen != 0 && !open_lock_is_own(lock, seen))
        atomic_store_explicit(&lock->word, NO_HOLDER, memory_order_relaxed);
}

RARE bool open_lock_defers(const struct open_lock *lock, int signal) {
    uint64_t word = atomic_load_explicit(&lock->word, memory_order_relaxed);
    struct lock_hold here = {.word = 0};
    if (word == 0 || !open_lock_is_own(lock, word) || open_lock_own_holder_is_gone(word, &here))
        return false;
    open_lock_deferred_signal = signal;
    return true;
}
