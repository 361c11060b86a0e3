#include "trace/trace_ring.h"

#include "base/assert.h"
#include "base/numbers.h"
#include "os/os.h"
#include "os/os_shared.h"
#include "os/os_thread.h"
#include "os/owner.h"
#include "trace/trace_memory.h"
#include "trace/trace_record.h"

__thread struct trace_thread *trace_self __attribute__((tls_model("initial-exec")));

_Static_assert(sizeof(struct trace_holder) == sizeof(struct owner) &&
                   offsetof(struct trace_holder, thread) == offsetof(struct owner, thread) &&
                   offsetof(struct trace_holder, next) == offsetof(struct owner, next),
               "trace_holder is laid out as owner");

/* ---- the command ---- */

/* A command that has not read for this long does not keep the program waiting. */
#define SILENCE_NS 2000000000ll
#define WAIT_NS 20000000ll

bool trace_is_read(void) {
    struct trace_head *area = trace_state.area;
    return (atomic_load_explicit(&area->lock[0], memory_order_relaxed) & TRACE_ENDED) == 0 &&
           atomic_load_explicit(&area->reader, memory_order_relaxed) != TRACE_READER_NONE;
}

void trace_wake_command(void) {
    _Atomic int *sleeps = &trace_state.area->sleeps;
    if (atomic_load_explicit(sleeps, memory_order_relaxed) == 0) return;
    if (atomic_exchange_explicit(sleeps, 0, memory_order_seq_cst) != 0) os_wake_shared(sleeps);
}

static bool trace_has_room(struct trace_thread *thread) {
    uint64_t head = atomic_load_explicit(&thread->ring->head, memory_order_acquire);
    uint64_t room = head + TRACE_RING_WORDS - thread->tail;
    return room <= TRACE_RING_WORDS && room >= TRACE_RECORD_WORDS;
}

/* Waits until the command has read some of the ring. Returns false if it does not. The command
 * looks at `waits` after it has moved the head. */
RARE static bool trace_wait(struct trace_thread *thread) {
    struct trace_head *area = trace_state.area;
    uint32_t beat = atomic_load_explicit(&area->beat, memory_order_relaxed);
    int64_t end = os_coarse_ns() + SILENCE_NS;
    trace_publish(thread);
    while (!trace_has_room(thread)) {
        if (!trace_is_read()) return false;
        uint32_t now = atomic_load_explicit(&area->beat, memory_order_relaxed);
        if (now != beat) {
            beat = now;
            end = os_coarse_ns() + SILENCE_NS;
        } else if (os_coarse_ns() >= end) {
            uint32_t reads = TRACE_READER_READS;
            atomic_compare_exchange_strong(&area->reader, &reads, TRACE_READER_SILENT);
            return false;
        }
        atomic_store_explicit(&thread->ring->waits, 1, memory_order_seq_cst);
        trace_wake_command();
        if (!trace_has_room(thread)) os_wait_for_kernel(&thread->ring->waits, 1, WAIT_NS);
    }
    return true;
}

static bool trace_waits_when_full(void) {
    struct trace_head *area = trace_state.area;
    return area->full == TRACE_WAIT &&
           atomic_load_explicit(&area->reader, memory_order_relaxed) == TRACE_READER_READS;
}

/* The thread comes here after each quarter of the ring, and wakes the command. */
static bool trace_find_room(struct trace_thread *thread) {
    trace_publish(thread);
    trace_wake_command();
    if (!trace_has_room(thread) && (!trace_waits_when_full() || !trace_wait(thread))) return false;
    uint64_t head = atomic_load_explicit(&thread->ring->head, memory_order_acquire);
    uint64_t limit = thread->tail + TRACE_RING_WORDS / 4;
    thread->limit = min_size(limit, head + TRACE_RING_WORDS);
    return true;
}

/* If nobody reads, nothing is recorded from now on: the session ends. */
static void trace_drop(struct trace_thread *thread) {
    thread->dropped++;
    atomic_store_explicit(&thread->ring->lost, thread->ring->lost + 1, memory_order_relaxed);
    if (!trace_is_read()) trace_end_session();
}

NOINLINE APART bool trace_reserve_slowly(struct trace_thread *thread) {
    if (!trace_find_room(thread)) {
        trace_drop(thread);
        return false;
    }
    if (thread->dropped == 0) return true;
    uint64_t dropped = thread->dropped;
    thread->dropped = 0;
    trace_put(thread, trace_record_head(thread, TRACE_LOST, 0, false));
    trace_put(thread, dropped);
    if (thread->limit - thread->tail >= TRACE_RECORD_WORDS || trace_find_room(thread)) return true;
    trace_drop(thread);
    return false;
}

/* ---- taking a ring ---- */

static struct trace_ring *trace_take(uint32_t *number) {
    for (uint32_t i = 0; i < trace_state.rings; i++) {
        struct trace_ring *ring = trace_ring_at(trace_state.area, i);
        uint32_t free = 0;
        if (atomic_load_explicit(&ring->taken, memory_order_relaxed) == 0 &&
            atomic_compare_exchange_strong_explicit(&ring->taken, &free, 1, memory_order_acquire,
                                                    memory_order_relaxed)) {
            *number = i;
            return ring;
        }
    }
    return NULL;
}

/* The kernel marks the ring when the thread ends. */
static void trace_hold(struct trace_ring *ring) {
    struct owner *owner = (struct owner *)(void *)&ring->holder;
    atomic_store_explicit(&owner->thread, os_thread_id(), memory_order_relaxed);
    owner_settle(owner);
}

/* Takes a ring for the calling thread. Returns NULL if there is none. */
RARE static struct trace_thread *trace_new_thread(void) {
    uint32_t number;
    struct trace_ring *ring = trace_take(&number);
    if (ring == NULL) return NULL;
    trace_hold(ring);
    struct trace_thread *thread = &trace_memory->threads[number];
    struct stack_cache *stacks = thread->stacks;
    *thread = (struct trace_thread){
        .ring = ring, .words = trace_ring_words(trace_state.area, number), .stacks = stacks};
    return thread;
}

static void trace_mark(struct trace_thread *thread, struct frame_mark *mark) {
    frame_mark_set(mark, (uintptr_t)mark);
    thread->busy = (uintptr_t)mark;
    signal_order();
}

/* Begins to write to the ring, and tells the command which thread does. The first thread of a
 * session needs no exact times until there is another one. */
RARE static void trace_enter_session(struct trace_thread *thread, uint32_t session) {
    static uint32_t latest;
    if (__atomic_exchange_n(&latest, session, __ATOMIC_RELAXED) == session)
        atomic_store_explicit(&trace_state.exact, true, memory_order_relaxed);
    thread->tail = atomic_load_explicit(&thread->ring->tail, memory_order_relaxed);
    thread->limit = thread->tail;
    thread->dropped = 0;
    thread->uses_of_time = 0;
    thread->session = session;
    if (!trace_reserve(thread)) return;
    trace_put(thread, trace_read_time() | TRACE_OWNER);
    trace_put(thread, trace_state.process);
    trace_put(thread, (uint64_t)(uint32_t)os_process_id() | (uint64_t)(uint32_t)os_thread_id()
                                                                << 32);
    trace_put(thread, trace_state.parent | (uint64_t)(uint32_t)os_parent_id() << 32);
    trace_publish(thread);
}

/* Handlers may interrupt each other. */
#define NESTED_MAX 4

/* Returns the thread's ring, or another one if the first is in use by a function that this one has
 * interrupted and that may continue. */
NOINLINE APART struct trace_thread *trace_begin_slowly(struct frame_mark *mark) {
    struct trace_thread **place = &trace_self;
    uint32_t session = trace_session();
    if (session == 0 || !trace_is_read()) return NULL;
    for (int i = 0; i < NESTED_MAX; i++, place = &(*place)->inner) {
        if (*place == NULL) *place = trace_new_thread();
        struct trace_thread *thread = *place;
        if (thread == NULL) break;
        uintptr_t busy = thread->busy;
        if (busy != 0 && !frame_mark_is_gone((struct frame_mark *)busy, busy, mark)) continue;
        trace_mark(thread, mark);
        if (thread->session != session) trace_enter_session(thread, session);
        return thread;
    }
    atomic_fetch_add_explicit(&trace_state.area->lost, 1, memory_order_relaxed);
    return NULL;
}
