/*
 * guard=N guards one allocation in N, whatever else the program does. From N = 1000 on, it keeps a
 * pace of 1,000 blocks a second, after the first 100.
 *     guard_rate N
 */
#include "check.h"
#include "random.h"
#include "threads.h"

#include <malloc.h>
#include <stdbool.h>
#include <time.h>

enum { EXPECTED = 2000, KEPT = 200, BATCH = 300, SIZE_MAX_TRIED = 1500, THREADS = 4 };

static size_t rate;

/* A guarded block has exactly the size that was requested; no slot has an odd size. */
static bool is_guarded(void *block, size_t size) { return malloc_usable_size(block) == size; }

static size_t odd_size(uint64_t *seed) { return random_below(seed, SIZE_MAX_TRIED) | 1; }

static size_t pairs_of(size_t size, size_t count) {
    size_t guarded = 0;
    for (size_t i = 0; i < count; i++) {
        void *block = malloc(size);
        guarded += is_guarded(block, size);
        free(block);
    }
    return guarded;
}

static size_t pairs(size_t count) { return pairs_of(41, count); }

static size_t mixed(size_t count) {
    void *kept[KEPT] = {NULL};
    uint64_t seed = 1;
    size_t guarded = 0;
    for (size_t i = 0; i < count; i++) {
        size_t size = odd_size(&seed), at = random_below(&seed, KEPT);
        free(kept[at]);
        kept[at] = i % 2 == 0 ? malloc(size) : calloc(1, size);
        guarded += is_guarded(kept[at], size);
    }
    for (size_t at = 0; at < KEPT; at++) free(kept[at]);
    return guarded;
}

static size_t batches(size_t count) {
    void *batch[BATCH];
    size_t guarded = 0;
    for (size_t i = 0; i < count; i += BATCH) {
        for (size_t at = 0; at < BATCH; at++) {
            batch[at] = malloc(105);
            guarded += is_guarded(batch[at], 105);
        }
        for (size_t at = 0; at < BATCH; at++) free(batch[at]);
    }
    return guarded;
}

/* A magazine holds only two or three slots of this size. */
static size_t large_pairs(size_t count) { return pairs_of(4001, count); }

static void *thread(void *count) { return (void *)mixed(*(size_t *)count); }

static size_t in_threads(size_t count) {
    pthread_t threads[THREADS];
    size_t share = count / THREADS, guarded = 0;
    for (int i = 0; i < THREADS; i++) threads[i] = start_thread(thread, &share);
    for (int i = 0; i < THREADS; i++) guarded += (size_t)join_thread(threads[i]);
    return guarded;
}

/* The choices are independent, so the standard deviation of the count is 2.2 %. */
static void check_rate(const char *name, size_t (*allocate)(size_t count)) {
    size_t guarded = allocate(rate * EXPECTED);
    dprintf(1, "%s: %zu of %d\n", name, guarded, EXPECTED);
    CHECK(guarded > EXPECTED * 85 / 100);
    CHECK(guarded < EXPECTED * 115 / 100);
}

static int64_t milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void check_pace(void) {
    enum { BURST = 100, TICK = 10 }; /* the clock of the pace advances every 10 ms at most */
    int64_t begun = milliseconds();
    size_t guarded = pairs(rate * EXPECTED);
    int64_t lasted = milliseconds() - begun;
    dprintf(1, "pace: %zu in %lld ms\n", guarded, (long long)lasted);
    CHECK(guarded >= BURST);
    CHECK((int64_t)guarded <= BURST + lasted + TICK);
}

int main(int argc, char **argv) {
    CHECK_EQUAL(argc, 2);
    rate = strtoul(argv[1], NULL, 10);
    if (rate >= 1000) {
        check_pace();
        return 0;
    }
    check_rate("pairs", pairs);
    check_rate("mixed", mixed);
    check_rate("batches", batches);
    check_rate("large pairs", large_pairs);
    check_rate("threads", in_threads);
}
