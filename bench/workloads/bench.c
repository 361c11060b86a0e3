#include "bench.h"

#include <math.h>
#include <pthread.h>
#include <unistd.h>

void bench_fail(const char *what) {
    dprintf(STDERR_FILENO, "workloads: %s\n", what);
    _exit(1);
}

void bench_figure(const char *name, double value) {
    dprintf(STDOUT_FILENO, "%s=%.1f\n", name, value);
}

uint16_t mixed_sizes[MIXED_SIZES];

/* Returns the sum of twelve uniform numbers, which is close enough to a normal distribution. */
static double rng_normal(struct rng *rng) {
    double sum = -6;
    for (int i = 0; i < 12; i++) sum += (double)rng_next(rng) / 0x1p64;
    return sum;
}

__attribute__((constructor)) static void fill_mixed_sizes(void) {
    struct rng rng = {1};
    for (size_t i = 0; i < MIXED_SIZES; i++) {
        double size = 48 * exp(1.2 * rng_normal(&rng));
        mixed_sizes[i] = (uint16_t)fmin(fmax(size, 8), 4096);
    }
}

struct thread {
    pthread_t handle;
    thread_body *body;
    void *context;
    size_t index;
};

static void *thread_main(void *argument) {
    struct thread *thread = argument;
    thread->body(thread->context, thread->index);
    return NULL;
}

void run_threads(size_t count, thread_body *body, void *context) {
    struct thread threads[THREADS_MAX];
    if (count > THREADS_MAX) bench_fail("too many threads");
    for (size_t i = 0; i < count; i++) {
        threads[i] = (struct thread){.body = body, .context = context, .index = i};
        if (pthread_create(&threads[i].handle, NULL, thread_main, &threads[i]))
            bench_fail("cannot create a thread");
    }
    for (size_t i = 0; i < count; i++) pthread_join(threads[i].handle, NULL);
}
