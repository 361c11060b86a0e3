/*
 * Reads the rings and puts their records in order.
 *
 * The thread works in rounds. A round begins with the time, then looks how far each ring is
 * written, and then reads, from all rings in the order of time, the records that are not younger
 * than the round. A free is in its ring before its block can be allocated again, so in this order
 * no block is allocated before it is freed (trace_layout.h).
 */
#include "trace/trace_drain.h"

#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/command.h"
#include "common/xalloc.h"
#include "trace/trace_event.h"
#include "trace/trace_process.h"
#include "trace_writer.h"

#define SLEEP_SHORT_NS 4000000l
#define SLEEP_LONG_NS 50000000l
#define IDLE_ROUNDS 50 /* before the sleeps are long */
#define SYNC_MS 500
#define SAMPLE_MS 20
#define PUBLISHED_WORDS 4096 /* of a ring that are read before the program sees that they are */

struct trace_drain {
    struct trace_area *area;
    struct trace_events events;
    struct drain_ring {
        uint64_t head, tail; /* this round's */
        struct trace_source source;
    } rings[TRACE_RINGS];
    uint32_t active[TRACE_RINGS]; /* numbers of the rings that have records in this round */
    uint32_t actives, rings_seen;
    pthread_t thread;
    _Atomic bool reads, stops;
    int64_t synced, sampled;
    int status;
};

/* ---- one ring ---- */

static uint64_t drain_word(struct trace_drain *drain, uint32_t ring, uint64_t at) {
    return __atomic_load_n(&trace_ring_words(drain->area->head, ring)[at % TRACE_RING_WORDS],
                           __ATOMIC_RELAXED);
}

/* Returns the words of the next record, or 0 if there is none. */
static unsigned drain_next(struct trace_drain *drain, uint32_t i, uint64_t words[]) {
    struct drain_ring *ring = &drain->rings[i];
    uint64_t left = ring->tail - ring->head;
    if (left < 2) return 0;
    unsigned count =
        trace_record_words(drain_word(drain, i, ring->head), drain_word(drain, i, ring->head + 1));
    if (count > left) return 0;
    for (unsigned k = 0; k < count; k++) words[k] = drain_word(drain, i, ring->head + k);
    return count;
}

static void drain_publish(struct trace_drain *drain, uint32_t i) {
    struct trace_ring *shared = trace_ring_at(drain->area->head, i);
    atomic_store(&shared->head, drain->rings[i].head);
    trace_area_wake(shared);
}

/* The time of the ring's next record, in ticks. Returns UINT64_MAX if there is none. */
static uint64_t drain_next_tick(struct trace_drain *drain, uint32_t i) {
    struct drain_ring *ring = &drain->rings[i];
    if (ring->tail - ring->head < 2) return UINT64_MAX;
    return trace_area_record_tick(drain->area, drain_word(drain, i, ring->head));
}

/* Reads records that are not younger than `until`. Returns false if the round must end. */
static bool drain_read(struct trace_drain *drain, uint32_t i, uint64_t until) {
    struct drain_ring *ring = &drain->rings[i];
    uint64_t words[TRACE_RECORD_WORDS], published = ring->head;
    bool goes_on = true;
    while (drain_next_tick(drain, i) <= until) {
        unsigned count = drain_next(drain, i, words);
        if (count == 0) { /* damaged */
            ring->head = ring->tail;
            break;
        }
        goes_on = trace_events_take(&drain->events, &ring->source, words);
        if (!goes_on) break;
        ring->head += count;
        if (ring->head - published >= PUBLISHED_WORDS) {
            published = ring->head;
            drain_publish(drain, i);
        }
    }
    drain_publish(drain, i);
    return goes_on;
}

/* ---- a round ---- */

static bool drain_has_ended(const struct trace_ring *ring) {
    return (atomic_load(&ring->holder.thread) & (int)TRACE_ENDED) != 0;
}

/* Frees a ring that is empty and whose thread has ended. */
static void drain_release(struct trace_drain *drain, uint32_t i) {
    struct trace_ring *shared = trace_ring_at(drain->area->head, i);
    if (!drain_has_ended(shared)) return;
    if (atomic_load(&shared->tail) != drain->rings[i].head) return;
    trace_events_end(&drain->events, &drain->rings[i].source);
    atomic_store(&shared->holder.thread, 0);
    atomic_store_explicit(&shared->taken, 0, memory_order_release);
}

/* A process that was forked appears in a ring of its own, after the fork in its parent's ring. */
static void drain_announce(struct trace_drain *drain, uint32_t i) {
    uint64_t words[TRACE_RECORD_WORDS];
    if (drain_next(drain, i, words) != 0) trace_events_announce(&drain->events, words);
}

/* Takes rings one after the other, so the first that never was taken is the last to look at. */
static void drain_look(struct trace_drain *drain) {
    drain->actives = 0;
    for (uint32_t i = 0; i < TRACE_RINGS; i++) {
        struct trace_ring *shared = trace_ring_at(drain->area->head, i);
        struct drain_ring *ring = &drain->rings[i];
        if (atomic_load_explicit(&shared->taken, memory_order_acquire) == 0) {
            if (i > drain->rings_seen) break;
            continue;
        }
        if (i >= drain->rings_seen) drain->rings_seen = i + 1;
        ring->tail = atomic_load_explicit(&shared->tail, memory_order_acquire);
        if (ring->tail - ring->head > TRACE_RING_WORDS) ring->head = ring->tail; /* damaged */
        if (ring->tail == ring->head) {
            drain_release(drain, i);
            continue;
        }
        drain->active[drain->actives++] = i;
        drain_announce(drain, i);
    }
}

/* Finds the ring with the oldest record, and the time of the oldest one in another ring. */
static uint32_t drain_oldest(struct trace_drain *drain, uint64_t *tick, uint64_t *other) {
    uint32_t oldest = 0;
    *tick = *other = UINT64_MAX;
    for (uint32_t k = 0; k < drain->actives; k++) {
        uint64_t next = drain_next_tick(drain, drain->active[k]);
        if (next < *tick) {
            *other = *tick;
            *tick = next;
            oldest = drain->active[k];
        } else if (next < *other) {
            *other = next;
        }
    }
    return oldest;
}

/* Returns true if there was something to read. */
static bool drain_round(struct trace_drain *drain, bool last) {
    uint64_t now = trace_area_tick(drain->area), tick, other;
    uint64_t until = last ? UINT64_MAX - 1 : now, before = drain->events.count;
    drain_look(drain);
    while (drain->actives != 0) {
        uint32_t ring = drain_oldest(drain, &tick, &other);
        if (tick > until) break;
        if (!drain_read(drain, ring, other < until ? other : until)) break;
    }
    return drain->events.count != before;
}

/* ---- the thread ---- */

static void drain_sync(struct trace_drain *drain) {
    int64_t now = clock_ms();
    if (now - drain->sampled >= SAMPLE_MS) {
        drain->sampled = now;
        trace_events_sample(&drain->events);
    }
    if (now - drain->synced >= SYNC_MS) {
        drain->synced = now;
        trace_writer_sync(drain->events.processes.writer);
    }
}

/* What a command before this one has not read is lost. */
static void drain_skip(struct trace_drain *drain) {
    for (uint32_t i = 0; i < TRACE_RINGS; i++) {
        struct trace_ring *shared = trace_ring_at(drain->area->head, i);
        drain->rings[i].head = atomic_load(&shared->tail);
        atomic_store(&shared->head, drain->rings[i].head);
    }
}

static void *drain_run(void *argument) {
    struct trace_drain *drain = argument;
    unsigned idle = 0;
    drain_skip(drain);
    trace_area_begin(drain->area);
    atomic_store(&drain->reads, true);
    while (!atomic_load(&drain->stops)) {
        atomic_fetch_add(&drain->area->head->beat, 1);
        if (atomic_load(&drain->area->head->reader) == TRACE_READER_SILENT)
            atomic_store(&drain->area->head->reader, TRACE_READER_READS);
        idle = drain_round(drain, false) ? 0 : idle + 1;
        drain_sync(drain);
        trace_area_sleep(drain->area, idle < IDLE_ROUNDS ? SLEEP_SHORT_NS : SLEEP_LONG_NS);
    }
    trace_area_end(drain->area);
    while (drain_round(drain, true)) continue;
    return NULL;
}

struct trace_drain *trace_drain_start(struct trace_area *area, const char *path,
                                      const char *allocator) {
    static const struct timespec pause = {.tv_nsec = 100000};
    struct trace_drain *drain = xcalloc(1, sizeof *drain);
    struct utsname system;
    struct timespec now;
    sigset_t all, before;
    char machine[256];
    uname(&system);
    snprintf(machine, sizeof machine, "%s %s %s", system.sysname, system.release, system.machine);
    clock_gettime(CLOCK_REALTIME, &now);
    struct trace_writer *writer = trace_writer_create(
        path, &(struct mallow_trace_facts){
                  .start = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec,
                  .allocator = allocator,
                  .machine = machine,
                  .recorder = "mallow " MALLOW_VERSION,
                  .page_size = (uint32_t)sysconf(_SC_PAGESIZE),
                  .processors = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN),
                  .has_stacks = area->head->frames != 0,
              });
    const char *error = trace_writer_error(writer);
    if (error != NULL) errx(EXIT_OWN_FAILURE, "cannot write the trace: %s", error);
    drain->area = area;
    drain->events = (struct trace_events){.area = area, .start = area->ns};
    drain->events.processes.writer = writer;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&drain->thread, NULL, drain_run, drain);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) errx(EXIT_OWN_FAILURE, "cannot create a thread: %s", strerror(failed));
    while (!atomic_load(&drain->reads)) nanosleep(&pause, NULL);
    return drain;
}

static uint64_t drain_lost(const struct trace_drain *drain) {
    uint64_t lost = atomic_load(&drain->area->head->lost);
    for (uint32_t i = 0; i < TRACE_RINGS; i++)
        lost += atomic_load(&trace_ring_at(drain->area->head, i)->lost);
    return lost;
}

struct trace_drain_end trace_drain_stop(struct trace_drain *drain, int status) {
    struct trace_writer *writer = drain->events.processes.writer;
    atomic_store(&drain->stops, true);
    pthread_join(drain->thread, NULL);
    if (status >= 0) trace_events_exit(&drain->events, status);
    struct trace_drain_end end = {.events = trace_writer_events(writer), .lost = drain_lost(drain)};
    trace_process_free(&drain->events.processes);
    end.error = trace_writer_close(writer);
    return end;
}

bool trace_drain_print(const struct trace_drain_end *end, const char *file) {
    if (end->error != NULL) {
        warnx("the trace in %s is not complete: %s", file, end->error);
        return false;
    }
    fprintf(stderr, "mallow: the trace of %llu event%s is in %s\n", (unsigned long long)end->events,
            plural(end->events), file);
    if (end->lost != 0)
        warnx("%llu event%s could not be recorded", (unsigned long long)end->lost,
              plural(end->lost));
    return true;
}
