/*
 * Four threads run tasks, each with an arena for the frames of its coroutines. An arena obtains
 * chunks, each twice as large as the one before, and frees all of them at the end of its task, as
 * std::pmr::monotonic_buffer_resource does.
 */
#include "bench.h"
#include "workloads.h"

enum { THREADS = 4, TASKS = 64, CHUNKS = 8, FIRST_CHUNK = 1024, FRAME_MIN = 64, FRAME_MAX = 640 };

struct arena {
    void *chunks[CHUNKS];
    size_t count, left, next_size;
};

static void arena_release(struct arena *arena) {
    while (arena->count > 0) block_drop(arena->chunks[--arena->count]);
    arena->left = 0;
    arena->next_size = FIRST_CHUNK;
}

/* Takes a frame from the arena. A task that needs more than all chunks ends. */
static void arena_take(struct arena *arena, size_t size) {
    if (arena->left < size) {
        if (arena->count == CHUNKS) arena_release(arena);
        arena->chunks[arena->count++] = heap_alloc(arena->next_size);
        arena->left = arena->next_size;
        arena->next_size *= 2;
    }
    unsigned char *chunk = arena->chunks[arena->count - 1];
    *(volatile unsigned char *)(chunk + arena->left - size) = 1;
    arena->left -= size;
}

static void run_tasks(void *context, size_t index) {
    const size_t *steps = context;
    struct arena arenas[TASKS] = {0};
    struct rng rng = {44 + index};
    for (size_t i = 0; i < TASKS; i++) arena_release(&arenas[i]);
    for (size_t i = 0; i < *steps; i++) {
        struct arena *arena = &arenas[rng_below(&rng, TASKS)];
        arena_take(arena, rng_between(&rng, FRAME_MIN, FRAME_MAX));
        if (rng_below(&rng, 64) == 0) arena_release(arena);
    }
    for (size_t i = 0; i < TASKS; i++) arena_release(&arenas[i]);
}

void coroutines(size_t steps) {
    steps /= THREADS;
    run_threads(THREADS, run_tasks, &steps);
}
