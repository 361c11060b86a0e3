/* Shared by all workloads: the calls under test, random numbers, sizes, threads. */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Ends the program with a message, for example because an allocation has failed. */
_Noreturn void bench_fail(const char *what);

/* Prints a figure in addition to those that the kernel counts. */
void bench_figure(const char *name, double value);

/* ---- Latency: with BENCH_LATENCY=1, each of the calls below is timed ---- */

void latency_record(uint64_t nanoseconds);
void latency_report(void);

static inline uint64_t latency_now(void) {
    if (!BENCH_LATENCY) return 0;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline void latency_since(uint64_t start) {
    if (BENCH_LATENCY) latency_record(latency_now() - start);
}

/* ---- The calls under test ---- */

static inline void *heap_result(void *block, uint64_t start) {
    latency_since(start);
    if (!block) bench_fail("out of memory");
    return block;
}

static inline void *heap_alloc(size_t size) {
    uint64_t start = latency_now();
    return heap_result(malloc(size), start);
}

static inline void *heap_zeroed(size_t count, size_t size) {
    uint64_t start = latency_now();
    return heap_result(calloc(count, size), start);
}

static inline void *heap_aligned(size_t alignment, size_t size) {
    uint64_t start = latency_now();
    return heap_result(aligned_alloc(alignment, size), start);
}

static inline void *heap_resize(void *block, size_t size) {
    uint64_t start = latency_now();
    return heap_result(realloc(block, size), start);
}

static inline void heap_free(void *block) {
    uint64_t start = latency_now();
    free(block);
    latency_since(start);
}

/* ---- A program's accesses to its blocks ---- */

enum { BENCH_LINE = 64, BENCH_PAGE = 4096 };

/* Writes to the bytes from `from` to `size`: to the first one, to one in the middle, to each page.
 */
static inline void block_write(void *block, size_t from, size_t size) {
    volatile unsigned char *bytes = block;
    if (from >= size) return;
    bytes[from] = 1;
    if (size - from > BENCH_LINE) bytes[from + (size - from) / 2] = 1;
    for (size_t at = from + BENCH_PAGE; at < size; at += BENCH_PAGE) bytes[at] = 1;
}

/* Allocates a block and writes to it. */
static inline void *block_new(size_t size) {
    void *block = heap_alloc(size);
    block_write(block, 0, size);
    return block;
}

/* Reads a block, as programs do when they drop an object, and frees it. */
static inline void block_drop(void *block) {
    if (block) (void)*(volatile unsigned char *)block;
    heap_free(block);
}

/* ---- Deterministic random numbers (splitmix64) and sizes ---- */

struct rng {
    uint64_t state;
};

static inline uint64_t rng_next(struct rng *rng) {
    uint64_t z = rng->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Returns a uniform number below `bound`, which must be far below 2^32. */
static inline size_t rng_below(struct rng *rng, size_t bound) {
    return (size_t)(((rng_next(rng) >> 32) * bound) >> 32);
}

static inline size_t rng_between(struct rng *rng, size_t low, size_t high) {
    return low + rng_below(rng, high - low + 1);
}

enum { MIXED_SIZES = 4096 };
extern uint16_t mixed_sizes[MIXED_SIZES];

/* Returns a size with a log-normal distribution from 8 bytes to 4 KiB: half are below 48 bytes, 92
 * of 100 below 256. */
static inline size_t rng_size(struct rng *rng) { return mixed_sizes[rng_next(rng) % MIXED_SIZES]; }

/* ---- Threads ---- */

/* Runs body(context, 0) to body(context, count - 1) in threads of their own and waits for them. */
enum { THREADS_MAX = 64 };
typedef void thread_body(void *context, size_t index);
void run_threads(size_t count, thread_body *body, void *context);

#endif
