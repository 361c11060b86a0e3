/* Each call leaves one record, in the ring of its thread, that a reader of the shared memory
 * understands. A reader that lags, stops or ends keeps no thread waiting for ever. Forked processes
 * and signal handlers write to rings of their own. */
#include "threads.h"

#include "bodies.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/layout.h"
#include "base/settings.h"
#include "check/modes.h"
#include "heap/heap.h"
#include "mallow.h"
#include "mallow/trace.h"
#include "os/os.h"
#include "process/modes.h"
#include "process/options.h"
#include "process/options_change.h"
#include "stack/stack.h"
#include "trace/trace_record.h"
#include "trace/trace_state.h"
#include "trace/traced.h"

/* The tests choose the time: see CMakeLists.txt. */
int64_t __real_os_coarse_ns(void);
int64_t __wrap_os_coarse_ns(void);
static _Atomic int64_t time_ahead;
int64_t __wrap_os_coarse_ns(void) { return __real_os_coarse_ns() + time_ahead; }

/* ---- a reader ---- */

static struct trace_head *area;

struct record {
    unsigned kind, detail;
    uint64_t words[TRACE_RECORD_WORDS], time;
    uint64_t address, size, old;
    uint32_t stack;
    unsigned ring;
};

/* Reads the next record of the ring. Returns false if there is none. */
static bool read_ring(unsigned i, struct record *record) {
    struct trace_ring *ring = trace_ring_at(area, i);
    const uint64_t *words = trace_ring_words(area, i);
    uint64_t head = atomic_load(&ring->head), tail = atomic_load(&ring->tail);
    if (head == tail) return false;
    CHECK(tail - head <= TRACE_RING_WORDS);
    unsigned count =
        trace_record_words(words[head % TRACE_RING_WORDS], words[(head + 1) % TRACE_RING_WORDS]);
    CHECK(count >= 2 && count <= tail - head);
    memset(record, 0, sizeof *record);
    for (unsigned k = 0; k < count; k++) record->words[k] = words[(head + k) % TRACE_RING_WORDS];
    record->kind = record->words[0] & TRACE_KIND;
    record->detail = record->words[0] >> TRACE_DETAIL_SHIFT & 0xff;
    record->time = record->words[0] >> TRACE_TIME_SHIFT;
    record->ring = i;
    if ((record->words[0] & TRACE_HAS_STACK) != 0)
        record->stack = (uint32_t)record->words[count - 1];
    if (record->kind < 24) {
        unsigned at = 2;
        record->address = record->words[1] >> 16;
        record->size = record->words[1] & 0xffff;
        if (record->kind == MALLOW_TRACE_REALLOC) record->old = record->words[at++];
        if (record->size == TRACE_SIZE_APART) record->size = record->words[at];
    }
    atomic_store(&ring->head, head + count);
    if (atomic_exchange(&ring->waits, 0) != 0) syscall(SYS_futex, &ring->waits, 1, 1, 0, 0, 0);
    return true;
}

/* Reads the next record of the lowest ring that is a call of the malloc family. */
static struct record read_call(void) {
    struct record record;
    for (unsigned i = 0; i < TRACE_RINGS; i++)
        while (read_ring(i, &record))
            if (record.kind < 24) return record;
    return (struct record){0};
}

static void read_all(void) {
    while (read_call().kind != 0) continue;
}

static void begin(uint32_t frames, enum trace_full full) {
    options_read();
    CHECK(trace_make(frames, full) >= 0);
    area = trace_state.area;
    atomic_store(&area->lock[0], (uint32_t)getpid());
    atomic_store(&area->reader, TRACE_READER_READS);
    options_change_recording(true);
}

/* ---- calls ---- */

#define IS(call, its_kind, p, its_size)                    \
    do {                                                   \
        struct record is = (call);                         \
        CHECK_EQUAL(is.kind, its_kind);                    \
        CHECK_EQUAL(is.address, (uint64_t)(uintptr_t)(p)); \
        CHECK_EQUAL(is.size, (uint64_t)(its_size));        \
    } while (0)

static void each_call_is_one_record(void) {
    begin(0, TRACE_WAIT);
    void *p = mallow_malloc(100);
    IS(read_call(), MALLOW_TRACE_MALLOC, p, 100);
    mallow_free(p);
    IS(read_call(), MALLOW_TRACE_FREE, p, 0);
    p = mallow_calloc(3, 50);
    IS(read_call(), MALLOW_TRACE_CALLOC, p, 150);
    mallow_free(p);
    read_all();
    p = mallow_memalign(64, 1000);
    struct record aligned = read_call();
    IS(aligned, MALLOW_TRACE_MEMALIGN, p, 1000);
    CHECK_EQUAL(aligned.detail, 6);
    mallow_free(p);
    mallow_free(NULL);
    read_all();
    CHECK_EQUAL(read_call().kind, 0);
}

static void each_size_is_recorded(void) {
    static const size_t sizes[] = {0, 1, 65534, 65535, 65536, 1 << 20, 100 << 20};
    begin(0, TRACE_WAIT);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        void *p = mallow_malloc(sizes[i]);
        IS(read_call(), MALLOW_TRACE_MALLOC, p, sizes[i]);
        mallow_free(p);
        IS(read_call(), MALLOW_TRACE_FREE, p, 0);
    }
}

static void a_failure_is_recorded(void) {
    begin(0, TRACE_WAIT);
    void *volatile p = mallow_malloc(SIZE_MAX / 2 + 1);
    CHECK(p == NULL);
    IS(read_call(), MALLOW_TRACE_MALLOC, NULL, SIZE_MAX / 2 + 1);
    p = mallow_malloc(100);
    read_all();
    void *volatile q = mallow_realloc(p, SIZE_MAX / 2 + 1);
    CHECK(q == NULL);
    IS(read_call(), MALLOW_TRACE_REALLOC, NULL, SIZE_MAX / 2 + 1);
}

/* `old` must be freed after the record: until then no other thread can get its address. */
static void a_resize_is_one_record(void) {
    begin(0, TRACE_WAIT);
    void *p = mallow_realloc(NULL, 100);
    CHECK_EQUAL(read_call().size, 100);
    for (size_t size = 90; size < 64 << 20; size = size * 3 + 1) {
        void *old = p;
        p = mallow_realloc(p, size);
        struct record resize = read_call();
        IS(resize, MALLOW_TRACE_REALLOC, p, size);
        CHECK_EQUAL(resize.old, (uint64_t)(uintptr_t)old);
        CHECK_EQUAL(read_call().kind, 0);
    }
    void *freed = p;
    CHECK(mallow_realloc(p, 0) == NULL);
    IS(read_call(), MALLOW_TRACE_FREE, freed, 0);
}

static void other_modes_are_recorded_too(void) {
    setenv("MALLOW_OPTIONS", "check=full", 1);
    begin(0, TRACE_WAIT);
    CHECK(mode_now() == &observed_mode);
    void *p = mallow_malloc(100);
    IS(read_call(), MALLOW_TRACE_MALLOC, p, 100);
    void *old = p;
    p = mallow_realloc(p, 5000);
    struct record resize = read_call();
    IS(resize, MALLOW_TRACE_REALLOC, p, 5000);
    CHECK_EQUAL(resize.old, (uint64_t)(uintptr_t)old);
    mallow_free(p);
    IS(read_call(), MALLOW_TRACE_FREE, p, 0);
    CHECK_EQUAL(read_call().kind, 0);
}

static void recording_can_be_switched(void) {
    options_read();
    void *volatile p = mallow_malloc(100);
    mallow_free(p);
    begin(0, TRACE_WAIT);
    CHECK(mode_now() == &traced_mode && mode_sees == MODE_SEES_COUNTED && !modes_serve_free());
    p = mallow_malloc(100);
    IS(read_call(), MALLOW_TRACE_MALLOC, p, 100);
    options_change_recording(false);
    CHECK(mode_is_plain());
    mallow_free(p);
    p = mallow_malloc(100);
    CHECK_EQUAL(read_call().kind, 0);
    options_change_recording(true);
    mallow_free(p);
    IS(read_call(), MALLOW_TRACE_FREE, p, 0);
    CHECK_EQUAL(trace_ring_at(area, 1)->taken, 0);
}

/* The recording begins while a thread only uses slots of its magazine. */
static _Atomic int step;

static void wait_for(int number) {
    while (step != number) sched_yield();
}

static void *use_one_slot(void *unused) {
    (void)unused;
    void *volatile p = NULL;
    for (int i = 0; i < 2000; i++) { /* until the thread has slots in its magazine */
        p = mallow_malloc(100);
        if (i >= 1000) mallow_free(p);
    }
    step = 1;
    wait_for(2);
    for (int i = 0; i < 3; i++) {
        p = mallow_malloc(100);
        mallow_free(p);
    }
    step = 3;
    return NULL;
}

static void threads_follow(void) {
    struct record record;
    unsigned mallocs = 0, frees = 0;
    options_read();
    pthread_t thread = start_thread(use_one_slot, NULL);
    wait_for(1);
    begin(0, TRACE_WAIT);
    step = 2;
    wait_for(3);
    join_thread(thread);
    while (record = read_call(), record.kind != 0) {
        mallocs += record.kind == MALLOW_TRACE_MALLOC && record.size == 100;
        frees += record.kind == MALLOW_TRACE_FREE;
    }
    CHECK_EQUAL(frees, 3);
    CHECK(mallocs >= 2); /* its first malloc may have come before it noticed */
}

static void *allocate_once(void *unused) {
    (void)unused;
    return mallow_malloc(100);
}

static void each_thread_has_a_ring(void) {
    begin(0, TRACE_WAIT);
    void *volatile here = mallow_malloc(10);
    CHECK(!trace_state.exact);
    void *there = run_in_thread(allocate_once, NULL);
    CHECK(trace_state.exact);
    struct record first = read_call();
    while (first.size != 10) first = read_call();
    IS(first, MALLOW_TRACE_MALLOC, here, 10);
    struct record second = read_call();
    while (second.kind != 0 && second.size != 100) second = read_call();
    IS(second, MALLOW_TRACE_MALLOC, there, 100);
    CHECK(first.ring != second.ring);
    CHECK_EQUAL(trace_ring_at(area, second.ring)->holder.thread & (int)TRACE_ENDED, TRACE_ENDED);
    CHECK_EQUAL(trace_ring_at(area, first.ring)->holder.thread & (int)TRACE_ENDED, 0);
}

static void times_do_not_go_back(void) {
    begin(0, TRACE_WAIT);
    uint64_t last = 0;
    for (int i = 0; i < 1000; i++) {
        void *volatile p = mallow_malloc(10);
        mallow_free(p);
    }
    for (struct record record; record = read_call(), record.kind != 0; last = record.time)
        CHECK(record.time >= last);
    CHECK(last != 0);
}

/* ---- a reader that lags ---- */

static uint64_t fill_ring(void) {
    for (unsigned i = 0; i < TRACE_RING_WORDS / 2 + 100; i++) mallow_free(mallow_malloc(10));
    return atomic_load(&trace_self->ring->lost);
}

static void events_are_dropped_and_counted(void) {
    struct record record, lost = {0};
    unsigned calls = 0;
    begin(0, TRACE_DROP);
    uint64_t dropped = fill_ring();
    CHECK(dropped != 0);
    while (read_ring(0, &record)) calls += record.kind < 24;
    CHECK_EQUAL(calls + dropped, 2 * (TRACE_RING_WORDS / 2 + 100));
    mallow_free(mallow_malloc(20));
    CHECK(read_ring(0, &lost));
    CHECK_EQUAL(lost.kind, TRACE_LOST);
    CHECK_EQUAL(lost.words[1], dropped);
    CHECK_EQUAL(read_call().size, 20);
}

static _Atomic bool done;

static void *fill_and_say(void *unused) {
    (void)unused;
    uint64_t lost = fill_ring();
    done = true;
    return (void *)(uintptr_t)lost;
}

static void the_program_waits(void) {
    struct record record;
    unsigned calls = 0;
    begin(0, TRACE_WAIT);
    mallow_free(mallow_malloc(10));
    read_all();
    pthread_t thread = start_thread(fill_and_say, NULL);
    while (!done) {
        atomic_fetch_add(&area->beat, 1);
        for (unsigned i = 0; i < 4; i++)
            while (read_ring(i, &record)) calls += record.kind < 24 && record.size <= 10;
    }
    CHECK_EQUAL((uintptr_t)join_thread(thread), 0);
    for (unsigned i = 0; i < 4; i++)
        while (read_ring(i, &record)) calls += record.kind < 24 && record.size <= 10;
    CHECK_EQUAL(calls, 2 * (TRACE_RING_WORDS / 2 + 100));
}

static void *pass_time(void *unused) {
    (void)unused;
    while (!done) time_ahead += 100000000;
    return NULL;
}

static void a_silent_reader_is_not_waited_for(void) {
    begin(0, TRACE_WAIT);
    pthread_t clock = start_thread(pass_time, NULL);
    CHECK(fill_ring() != 0);
    done = true;
    join_thread(clock);
    CHECK_EQUAL(area->reader, TRACE_READER_SILENT);
    CHECK(trace_session() != 0); /* it may come back */
}

static void a_reader_that_has_ended_is_not_waited_for(void) {
    begin(0, TRACE_WAIT);
    mallow_free(mallow_malloc(10));
    atomic_store(&area->lock[0], TRACE_ENDED);
    CHECK(fill_ring() != 0);
    CHECK_EQUAL(trace_session(), 0);
    CHECK_EQUAL(area->reader, TRACE_READER_READS); /* it was not waited for */
}

static void nothing_is_recorded_without_a_reader(void) {
    begin(0, TRACE_WAIT);
    atomic_store(&area->reader, TRACE_READER_NONE);
    mallow_free(mallow_malloc(10));
    CHECK_EQUAL(read_call().kind, 0);
}

/* ---- handlers ---- */

static NOINLINE void record_in_handler(void) { mallow_free(mallow_malloc(30)); }

static void a_handler_has_a_ring_of_its_own(void) {
    struct frame_mark mark;
    begin(0, TRACE_WAIT);
    mallow_free(mallow_malloc(10));
    read_all();
    struct trace_thread *thread = trace_begin(&mark);
    CHECK(trace_reserve(thread));
    trace_put(thread, trace_record_head(thread, MALLOW_TRACE_MALLOC, 0, false));
    record_in_handler();
    trace_put(thread, (uint64_t)0x1234 << 16 | 5);
    trace_end(thread, &mark);
    IS(read_call(), MALLOW_TRACE_MALLOC, 0x1234, 5);
    CHECK_EQUAL(read_call().size, 30);
    CHECK_EQUAL(read_call().kind, MALLOW_TRACE_FREE);
    record_in_handler();
    CHECK_EQUAL(read_call().ring, 0);
}

/* Leaves a record unfinished, as a handler does that jumps away. */
static NOINLINE void begin_and_leave(void) {
    struct frame_mark mark;
    struct trace_thread *thread = trace_begin(&mark);
    CHECK(trace_reserve(thread));
    trace_put(thread, ~(uint64_t)0);
    thread->tail--;
    frame_mark_clear(&mark);
}

static void a_record_that_was_left_is_replaced(void) {
    begin(0, TRACE_WAIT);
    mallow_free(mallow_malloc(10));
    read_all();
    begin_and_leave();
    void *p = mallow_malloc(40);
    struct record record = read_call();
    IS(record, MALLOW_TRACE_MALLOC, p, 40);
    CHECK_EQUAL(record.ring, 0);
}

/* ---- forks ---- */

static int status_of(pid_t child) {
    int status = -1;
    waitpid(child, &status, 0);
    return status;
}

static void a_fork_is_followed(void) {
    struct record record, child_owner = {0};
    begin(0, TRACE_WAIT);
    mallow_free(mallow_malloc(10));
    read_all();
    pid_t child = fork();
    if (child == 0) {
        mallow_free(mallow_malloc(77));
        _exit(trace_state.process == 2 && trace_state.parent == 1 ? 0 : 1);
    }
    CHECK_EQUAL(status_of(child), 0);
    CHECK(read_ring(0, &record));
    CHECK_EQUAL(record.kind, MALLOW_TRACE_FORK);
    CHECK_EQUAL(record.words[4], 2);
    CHECK(read_ring(1, &child_owner));
    CHECK_EQUAL(child_owner.kind, TRACE_OWNER);
    CHECK_EQUAL(child_owner.words[1], 2);
    CHECK_EQUAL((uint32_t)child_owner.words[2], child);
    CHECK_EQUAL((uint32_t)child_owner.words[3], 1);
    CHECK_EQUAL(read_call().size, 77);
    CHECK_EQUAL(trace_ring_at(area, 1)->holder.thread & (int)TRACE_ENDED, TRACE_ENDED);
}

/* The kernel ends the session of a child that libc does not know of. */
static void a_bare_fork_records_nothing(void) {
    begin(0, TRACE_WAIT);
    mallow_free(mallow_malloc(10));
    read_all();
    uint64_t tail = atomic_load(&trace_self->ring->tail);
    pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);
    if (child == 0) {
        mallow_free(mallow_malloc(10));
        syscall(SYS_exit_group, trace_session() == 0 ? 0 : 1);
    }
    CHECK_EQUAL(status_of(child), 0);
    CHECK_EQUAL(atomic_load(&trace_self->ring->tail), tail);
    CHECK_EQUAL(trace_ring_at(area, 1)->taken, 0);
}

/* ---- stacks and system calls ---- */

static NOINLINE void *allocate_deep(int depth) {
    void *volatile p = depth == 0 ? mallow_malloc(60) : allocate_deep(depth - 1);
    return p;
}

static void nodes_come_before_their_stacks(void) {
    static bool known[1 << 16];
    struct record record;
    unsigned stacks = 0, nodes = 0;
    begin(64, TRACE_WAIT);
    for (int i = 0; i < 50; i++) mallow_free(allocate_deep(i % 60));
    known[0] = true;
    for (unsigned i = 0; i < 3; i++)
        while (read_ring(i, &record)) {
            if (record.kind == TRACE_NODE) {
                CHECK(!known[(uint32_t)record.words[2]]);
                CHECK(known[record.words[2] >> 32]);
                known[(uint32_t)record.words[2]] = true;
                nodes++;
            }
            if (record.kind == MALLOW_TRACE_MALLOC && record.size == 60) {
                CHECK(record.stack != 0 && known[record.stack]);
                stacks++;
            }
        }
    CHECK_EQUAL(stacks, 50);
    CHECK(nodes > 60 && nodes < 400);
}

static void system_calls_are_recorded(void) {
    struct record record;
    begin(0, TRACE_WAIT);
    mallow_free(mallow_malloc(10));
    read_all();
    void *p = mallow_malloc(200 << 20);
    do CHECK(read_ring(0, &record));
    while (record.kind != MALLOW_TRACE_MMAP || record.words[1] != (uintptr_t)p);
    CHECK_EQUAL(record.detail, TRACE_CAUSED);
    CHECK(record.words[3] >= 200 << 20);
    CHECK_EQUAL(record.words[5] & 0xffffffff, PROT_READ | PROT_WRITE);
    CHECK_EQUAL(record.words[6], 0);
    while (record.kind != MALLOW_TRACE_MALLOC) CHECK(read_ring(0, &record));
    mallow_free(p);
    CHECK(read_ring(0, &record));
    CHECK_EQUAL(record.kind, MALLOW_TRACE_FREE);
    CHECK(read_ring(0, &record));
    CHECK(record.kind == MALLOW_TRACE_MUNMAP || record.kind == MALLOW_TRACE_MADVISE);
}

int main(void) {
    struct body bodies[] = {
        BODY(each_call_is_one_record),
        BODY(each_size_is_recorded),
        BODY(a_failure_is_recorded),
        BODY(a_resize_is_one_record),
        BODY(other_modes_are_recorded_too),
        BODY(recording_can_be_switched),
        BODY(threads_follow),
        BODY(each_thread_has_a_ring),
        BODY(times_do_not_go_back),
        BODY(events_are_dropped_and_counted),
        BODY(the_program_waits),
        BODY(a_silent_reader_is_not_waited_for),
        BODY(a_reader_that_has_ended_is_not_waited_for),
        BODY(nothing_is_recorded_without_a_reader),
        BODY(a_handler_has_a_ring_of_its_own),
        BODY(a_record_that_was_left_is_replaced),
        BODY(a_fork_is_followed),
        BODY(a_bare_fork_records_nothing),
        BODY(nodes_come_before_their_stacks),
        BODY(system_calls_are_recorded),
    };
    return run_bodies(bodies);
}
