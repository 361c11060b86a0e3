/* Times what mallow advise compares: processor time of the program and the kernel, in the fastest
 * of many rounds. Prints "NAME BYTES NANOSECONDS" lines. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <mallow/arena.h>
#include <mallow/scratch.h>

#define NOINLINE __attribute__((noinline))
#define HUGE ((size_t)2 << 20)

enum { ROUNDS = 60, BATCH = 1000, PAIRS = 20000, COPY = 1 << 20 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static NOINLINE void use(void *p) {
    *(volatile char *)p = 1;
    __asm__ volatile("" ::"r"(p) : "memory");
}

/* ---- one block at a time ---- */

static NOINLINE void pair_local(size_t size) {
    char block[64];
    (void)size;
    use(block);
}

static NOINLINE void pair_malloc(size_t size) {
    void *p = malloc(size);
    use(p);
    free(p);
}

static NOINLINE void pair_scratch(size_t size) {
    MALLOW_SCRATCH(scratch);
    use(mallow_scratch_alloc(&scratch, size));
}

static void *resized;

/* Changes nothing: the block has room. */
static NOINLINE void resize(size_t size) { resized = realloc(resized, size); }

static double time_pairs(void (*pair)(size_t), size_t size) {
    double before = now();
    for (int i = 0; i < PAIRS; i++) pair(size);
    return (now() - before) / PAIRS;
}

/* ---- many blocks that end together ---- */

static void *blocks[BATCH];

static double time_batch(size_t size) {
    double before = now();
    for (int i = 0; i < BATCH; i++) use(blocks[i] = malloc(size));
    for (int i = 0; i < BATCH; i++) free(blocks[i]);
    return (now() - before) / BATCH;
}

static double time_arena(size_t size, struct mallow_arena *arena) {
    double before = now();
    for (int i = 0; i < BATCH; i++) use(blocks[i] = mallow_arena_alloc(arena, size));
    mallow_arena_reset(arena);
    return (now() - before) / BATCH;
}

/* ---- pages ---- */

static double time_copy(void) {
    static char *from, *to;
    if (from == NULL) {
        from = malloc(COPY);
        to = malloc(COPY);
        memset(from, 1, COPY);
        memset(to, 1, COPY);
    }
    double before = now();
    memcpy(to, from, COPY);
    use(to);
    return now() - before;
}

/* The first touch of each page of 16 MiB, for 2 MiB, with pages of the usual size or huge ones.
 * Includes the munmap. */
static double time_touch(int advice) {
    size_t bytes = 8 * HUGE;
    char *map =
        mmap(NULL, bytes + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) exit(1);
    char *start = (char *)(((uintptr_t)map + HUGE - 1) & ~(uintptr_t)(HUGE - 1));
    madvise(start, bytes, advice);
    double before = now();
    for (size_t at = 0; at < bytes; at += 4096) start[at] = 1;
    munmap(map, bytes + HUGE);
    return (now() - before) / 8;
}

static void keep(double *best, double taken) {
    if (taken < *best) *best = taken;
}

static void time_size(size_t size, struct mallow_arena *arena) {
    double local = 1e18, pair = 1e18, resizing = 1e18, scratch = 1e18, batch = 1e18, region = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        keep(&local, time_pairs(pair_local, size));
        keep(&pair, time_pairs(pair_malloc, size));
        resize(size);
        keep(&resizing, time_pairs(resize, size));
        if (size <= 16384) keep(&scratch, time_pairs(pair_scratch, size));
        if (size <= 4096) keep(&batch, time_batch(size));
        if (size <= 4096) keep(&region, time_arena(size, arena));
    }
    printf("pair %zu %.2f\nresize %zu %.2f\n", size, pair - local, size, resizing);
    if (size <= 16384) printf("scratch %zu %.2f\n", size, scratch - local);
    if (size <= 4096) printf("batch %zu %.2f\narena %zu %.2f\n", size, batch, size, region);
}

int main(void) {
    static const size_t sizes[] = {16, 64, 256, 1024, 4096, 16384, 65536, 1 << 20};
    struct mallow_arena *arena = mallow_arena_create(NULL);
    double copy = 1e18, small = 1e18, huge = 1e18;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) time_size(sizes[i], arena);
    for (int round = 0; round < ROUNDS; round++) keep(&copy, time_copy());
    for (int round = 0; round < 10; round++) {
        keep(&small, time_touch(MADV_NOHUGEPAGE));
        keep(&huge, time_touch(MADV_HUGEPAGE));
    }
    printf("copy %d %.0f\n", COPY, copy);
    printf("touch 2097152 %.0f\ntouch-huge 2097152 %.0f\n", small, huge);
    return 0;
}
