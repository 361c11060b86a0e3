#include "trace/trace_session.h"

#include "base/compiler.h"
#include "mallow/trace.h"
#include "os/os.h"
#include "trace/trace_memory.h"
#include "trace/trace_record.h"
#include "trace/trace_ring.h"
#include "trace/trace_state.h"

static uint32_t trace_last_session;

static void trace_number_process(uint32_t number, uint32_t parent) {
    trace_state.process = number;
    trace_state.parent = parent;
}

static void trace_start_session(void) {
    trace_state.frames = trace_state.area->frames;
    atomic_store_explicit(&trace_state.exact, false, memory_order_relaxed);
    trace_stack_forget();
    atomic_store_explicit(trace_state.session, ++trace_last_session, memory_order_release);
}

RARE bool trace_begin_session(void) {
    if (trace_state.area == NULL || !trace_has_memory()) return false;
    if (trace_state.process == 0)
        trace_number_process(atomic_fetch_add(&trace_state.area->processes, 1) + 1, 0);
    trace_start_session();
    return true;
}

/* ---- fork ---- */

/* Several threads may fork at the same time. */
static __thread uint32_t trace_forked __attribute__((tls_model("initial-exec")));

RARE void trace_before_fork(void) {
    if (trace_session() == 0) return;
    trace_forked = atomic_fetch_add(&trace_state.area->processes, 1) + 1;
    trace_event(&(struct mallow_trace_event){.kind = MALLOW_TRACE_FORK, .count = trace_forked},
                false, NULL);
}

/* The kernel has cleared the number of the session, unless it cannot (before Linux 4.14). */
RARE void trace_after_fork(void) {
    uint32_t number = trace_forked;
    trace_forked = 0;
    trace_self = NULL;
    trace_end_session();
    trace_lose_file();
    if (number == 0) return;
    trace_number_process(number, trace_state.process);
    trace_start_session();
    struct frame_mark mark; /* the command waits for the process's first thread */
    trace_end(trace_begin(&mark), &mark);
}

/* ---- waiting for the command ---- */

#define FLUSH_NS 1000000000ll
#define FLUSH_STEP_NS 2000000ll

RARE void trace_flush(void) {
    struct trace_thread *thread = trace_self;
    int64_t end = os_coarse_ns() + FLUSH_NS;
    _Atomic int never = 0;
    if (trace_session() == 0 || trace_state.frames == 0 || thread == NULL ||
        thread->session != trace_session())
        return;
    while (atomic_load_explicit(&thread->ring->head, memory_order_acquire) != thread->tail &&
           os_coarse_ns() < end && trace_is_read()) {
        trace_wake_command();
        os_wait_for(&never, 0, FLUSH_STEP_NS);
    }
}

__attribute__((destructor(101))) static void trace_at_exit(void) { trace_flush(); }
