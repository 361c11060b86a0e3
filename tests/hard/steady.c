/*
 * The memory of a program that runs for a long time does not grow after its first half.
 *     steady generations   a hundred generations of threads; each thread leaves some blocks
 *     steady handoff       one thread frees what another one allocates, in bursts of all lengths
 *     steady pool          threads exchange tasks, and the thread that finishes a task frees it
 */
#include "check.h"
#include "pattern.h"
#include "random.h"
#include "resident.h"
#include "threads.h"

#include <semaphore.h>
#include <string.h>

#define MEBIBYTE ((size_t)1 << 20)

/* Sizes are distributed as in real programs: half below 64 bytes, one in a thousand large. */
static size_t random_size(uint64_t *seed) {
    size_t kind = random_below(seed, 1000);
    return 1 + random_below(seed, kind < 500 ? 64 : kind < 900 ? 512 : kind < 999 ? 8192 : 200000);
}

static char *random_block(uint64_t *seed) {
    size_t bytes = random_size(seed);
    char *block = malloc(bytes);
    CHECK(block != NULL);
    block[0] = block[bytes / 2] = block[bytes - 1] = 1;
    return block;
}

/* The second half of the run may exceed the peak of the first half by at most SLACK. */
static size_t highest;

static void check_growth(size_t step, size_t steps, size_t slack) {
    size_t now = resident_bytes();
    if (step * 2 <= steps) {
        highest = now > highest ? now : highest;
        return;
    }
    if (now > highest + slack)
        check_failed("%zu KiB in step %zu of %zu, %zu KiB in the first half\n", now >> 10, step,
                     steps, highest >> 10);
}

/* ---- generations ---- */

enum { GENERATIONS = 100, THREADS = 16, THREAD_BLOCKS = 3000, LEGACY = 20 };

static char *legacy[THREADS][LEGACY];
static pthread_barrier_t all_allocated;

static void *live_and_end(void *argument) {
    char **left = argument;
    static _Atomic uint64_t seeds = 1;
    uint64_t seed = seeds++;
    static __thread char *blocks[THREAD_BLOCKS];
    for (int i = 0; i < LEGACY; i++) {
        free(left[i]); /* from the previous generation */
        left[i] = random_block(&seed);
    }
    for (int i = 0; i < THREAD_BLOCKS; i++) blocks[i] = random_block(&seed);
    pthread_barrier_wait(&all_allocated);
    for (int i = 0; i < THREAD_BLOCKS; i++) free(blocks[i]);
    return NULL;
}

static void generations(void) {
    pthread_barrier_init(&all_allocated, NULL, THREADS);
    for (int generation = 1; generation <= GENERATIONS; generation++) {
        pthread_t threads[THREADS];
        for (int i = 0; i < THREADS; i++) threads[i] = start_thread(live_and_end, legacy[i]);
        for (int i = 0; i < THREADS; i++) join_thread(threads[i]);
        check_growth((size_t)generation, GENERATIONS, 8 * MEBIBYTE);
    }
}

/* ---- handoff ---- */

enum { BURSTS = 500, BURST_MAX = 20000 };

static char *burst[2][BURST_MAX];
static size_t burst_length[2];
static sem_t filled, emptied;

static void *consume(void *argument) {
    for (int i = 0; i < BURSTS; i++) {
        sem_wait(&filled);
        for (size_t at = 0; at < burst_length[i % 2]; at++) free(burst[i % 2][at]);
        sem_post(&emptied);
    }
    return argument;
}

static void handoff(void) {
    uint64_t seed = 1;
    sem_init(&filled, 0, 0);
    sem_init(&emptied, 0, 2);
    pthread_t consumer = start_thread(consume, NULL);
    for (int i = 0; i < BURSTS; i++) {
        sem_wait(&emptied);
        burst_length[i % 2] = i % 10 == 0 ? BURST_MAX : random_below(&seed, BURST_MAX / 4);
        for (size_t at = 0; at < burst_length[i % 2]; at++) burst[i % 2][at] = random_block(&seed);
        sem_post(&filled);
        check_growth((size_t)i, BURSTS, 8 * MEBIBYTE);
    }
    join_thread(consumer);
}

/* ---- pool ---- */

enum { WORKERS = 8, QUEUE = 4096, STEPS = 500, TASKS = 3000 };

struct task {
    char *block[3];
};

static struct {
    pthread_mutex_t lock;
    struct task *tasks[QUEUE];
    size_t count;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void finish(struct task *task) {
    for (int i = 0; i < 3; i++) free(task->block[i]);
    free(task);
}

static struct task *new_task(uint64_t *seed) {
    struct task *task = malloc(sizeof(*task));
    CHECK(task != NULL);
    for (int i = 0; i < 3; i++) task->block[i] = random_block(seed);
    return task;
}

/* Puts a new task in the queue and takes a random one out, or NULL if the queue was not full. */
static struct task *exchange(uint64_t *seed, struct task *in) {
    pthread_mutex_lock(&queue.lock);
    struct task *out = in;
    if (queue.count < QUEUE) {
        queue.tasks[queue.count++] = in;
        out = NULL;
    } else {
        size_t at = random_below(seed, QUEUE);
        out = queue.tasks[at];
        queue.tasks[at] = in;
    }
    pthread_mutex_unlock(&queue.lock);
    return out;
}

static pthread_barrier_t step_done, step_checked;

static void *work(void *argument) {
    uint64_t seed = (uint64_t)(uintptr_t)argument + 1;
    for (int step = 0; step < STEPS; step++) {
        for (int i = 0; i < TASKS; i++) {
            struct task *done = exchange(&seed, new_task(&seed));
            if (done != NULL) finish(done);
        }
        pthread_barrier_wait(&step_done);
        pthread_barrier_wait(&step_checked);
    }
    return NULL;
}

static void pool(void) {
    pthread_t workers[WORKERS];
    pthread_barrier_init(&step_done, NULL, WORKERS + 1);
    pthread_barrier_init(&step_checked, NULL, WORKERS + 1);
    for (uintptr_t i = 0; i < WORKERS; i++) workers[i] = start_thread(work, (void *)i);
    for (int step = 0; step < STEPS; step++) {
        pthread_barrier_wait(&step_done);
        check_growth((size_t)step, STEPS, 8 * MEBIBYTE);
        pthread_barrier_wait(&step_checked);
    }
    for (int i = 0; i < WORKERS; i++) join_thread(workers[i]);
}

int main(int argc, char **argv) {
    CHECK_EQUAL(argc, 2);
    if (strcmp(argv[1], "generations") == 0)
        generations();
    else if (strcmp(argv[1], "handoff") == 0)
        handoff();
    else
        pool();
    dprintf(STDOUT_FILENO, "%zu KiB at most in the first half, %zu KiB at the end\n", highest >> 10,
            resident_bytes() >> 10);
}
