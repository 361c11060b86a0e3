/*
 * Two threads serve sessions. A session lives long and keeps a buffer and some state. A request is
 * short, frees its blocks at its end, and replaces one part of the session's state.
 */
#include "bench.h"
#include "workloads.h"

enum { THREADS = 2, SESSIONS = 2000, STATE = 8, REQUEST_MIN = 4, REQUEST_MAX = 28 };

struct session {
    void *buffer;
    size_t buffer_size;
    void *state[STATE];
};

static struct session *open_session(struct rng *rng) {
    struct session *session = heap_zeroed(1, sizeof *session);
    session->buffer_size = 512;
    session->buffer = block_new(session->buffer_size);
    for (size_t i = 0; i < STATE; i++) session->state[i] = block_new(rng_size(rng));
    return session;
}

static void close_session(struct session *session) {
    for (size_t i = 0; i < STATE; i++) block_drop(session->state[i]);
    block_drop(session->buffer);
    heap_free(session);
}

static void grow_buffer(struct session *session) {
    enum { BUFFER_MAX = 16384 };
    if (session->buffer_size >= BUFFER_MAX) return;
    size_t old_size = session->buffer_size;
    session->buffer_size *= 2;
    session->buffer = heap_resize(session->buffer, session->buffer_size);
    block_write(session->buffer, old_size, session->buffer_size);
}

static void serve_request(struct session *session, struct rng *rng) {
    void *blocks[REQUEST_MAX];
    size_t count = rng_between(rng, REQUEST_MIN, REQUEST_MAX);
    for (size_t i = 0; i < count; i++) blocks[i] = block_new(rng_size(rng));

    void **state = &session->state[rng_below(rng, STATE)];
    block_drop(*state);
    *state = blocks[rng_below(rng, count)];
    if (rng_below(rng, 64) == 0) grow_buffer(session);

    for (size_t i = count; i-- > 0;)
        if (blocks[i] != *state) block_drop(blocks[i]);
}

static void serve(void *context, size_t index) {
    const size_t *requests = context;
    struct rng rng = {5 + index};
    struct session **sessions = heap_zeroed(SESSIONS, sizeof *sessions);
    for (size_t i = 0; i < *requests; i++) {
        struct session **session = &sessions[rng_below(&rng, SESSIONS)];
        if (!*session) *session = open_session(&rng);
        serve_request(*session, &rng);
        if (rng_below(&rng, 100) == 0) {
            close_session(*session);
            *session = NULL;
        }
    }
    for (size_t i = 0; i < SESSIONS; i++)
        if (sessions[i]) close_session(sessions[i]);
    heap_free(sessions);
}

void server(size_t steps) { run_threads(THREADS, serve, &steps); }
