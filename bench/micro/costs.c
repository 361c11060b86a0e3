/* Times each way to get memory: the allocation of a block, the first write to each of its pages,
 * and the free. Each round does this with a batch of blocks; the fastest round counts.
 *
 *     costs ROUNDS SIZE NAME...
 *
 * Prints "NAME NANOSECONDS NANOSECONDS NANOSECONDS" for each NAME, per block, or "NAME - REASON" if
 * the way cannot provide such a block. */
#include <alloca.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <mallow/arena.h>
#include <mallow/scratch.h>
#include <mallow/secret.h>
#include <mallow/shared.h>

enum { BLOCKS_MAX = 1000, BATCH_BYTES = 4 << 20, PHASES = 3 };
#define SIZE_LARGEST ((size_t)1 << 30)

static size_t page, size, count;
static char *blocks[BLOCKS_MAX];
static double stamps[PHASES + 1];
static const char *reason; /* why a way cannot provide such a block; NULL if it can */

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void touch(void) {
    stamps[1] = now();
    for (size_t i = 0; i < count; i++)
        for (size_t at = 0; at < size; at += page) ((volatile char *)blocks[i])[at] = 1;
    stamps[2] = now();
}

/* Returns the number of blocks to free: all of them, unless one is missing. */
static size_t blocks_there(void) {
    for (size_t i = 0; i < count; i++) {
        if (blocks[i] == NULL || blocks[i] == MAP_FAILED) {
            if (reason == NULL) reason = strerror(errno);
            return i;
        }
    }
    return count;
}

/* Times a batch of blocks that END frees one by one. */
#define TIME(ALLOCATE, END)                                        \
    do {                                                           \
        stamps[0] = now();                                         \
        for (size_t i = 0; i < count; i++) blocks[i] = (ALLOCATE); \
        size_t there = blocks_there();                             \
        if (there == count) touch();                               \
        for (size_t i = 0; i < there; i++) (void)(END);            \
        stamps[3] = now();                                         \
    } while (0)

/* ---- the heap ---- */

static void time_malloc(void) { TIME(malloc(size), free(blocks[i])); }

static void time_calloc(void) { TIME(calloc(1, size), free(blocks[i])); }

static void time_aligned(void) {
    size_t alignment = size < page ? 64 : page;
    TIME(aligned_alloc(alignment, size), free(blocks[i]));
}

/* The blocks grow from half the size, which is in use. */
static void time_realloc(void) {
    for (size_t i = 0; i < count; i++) {
        blocks[i] = malloc(size / 2);
        if (blocks[i] == NULL) exit(1);
        memset(blocks[i], 1, size / 2);
    }
    TIME(realloc(blocks[i], size), free(blocks[i]));
}

/* ---- the kernel ---- */

static void time_mmap(void) {
    TIME(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
         munmap(blocks[i], size));
}

static void time_brk(void) { TIME(sbrk((intptr_t)size), sbrk(-(intptr_t)size)); }

/* ---- the stack and static storage ---- */

static bool fits_stack(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_STACK, &limit);
    bool fits = limit.rlim_cur == RLIM_INFINITY || size * count + (1 << 20) < limit.rlim_cur;
    if (!fits) reason = "stack limit";
    return fits;
}

static __attribute__((noinline)) void alloca_batch(void) {
    stamps[0] = now();
    for (size_t i = 0; i < count; i++) blocks[i] = alloca(size);
    touch();
}

static void time_alloca(void) {
    if (!fits_stack()) return;
    alloca_batch();
    stamps[3] = now();
}

/* An array ends with its block, so each array of a batch needs a separate function call. */
static __attribute__((noinline)) void array_batch(size_t i) {
    char array[size];
    blocks[i] = array;
    if (i + 1 < count)
        array_batch(i + 1);
    else
        touch();
    __asm__ volatile("" ::"r"(array) : "memory"); /* prevents a tail call above */
}

static void time_array(void) {
    if (!fits_stack()) return;
    stamps[0] = now();
    array_batch(0);
    stamps[3] = now();
}

static _Alignas(65536) char storage[SIZE_LARGEST];

static void time_static(void) {
    TIME(storage + i * size, 0);
    madvise(storage, size * count, MADV_DONTNEED); /* makes the next touch a first one again */
}

/* ---- libmallow-memory ---- */

static struct mallow_arena *arena;

static void time_arena(void) {
    TIME(mallow_arena_alloc(arena, size), 0);
    mallow_arena_reset(arena);
    stamps[3] = now();
}

static void time_scratch(void) {
    {
        MALLOW_SCRATCH(scratch);
        TIME(mallow_scratch_alloc(&scratch, size), 0);
    }
    stamps[3] = now();
}

static struct mallow_shared *heap;
static mallow_shared_handle handles[BLOCKS_MAX];

static char *shared_alloc(mallow_shared_handle *handle) {
    enum mallow_result result = mallow_shared_alloc(heap, size, handle);
    return result == MALLOW_OK ? mallow_shared_at(heap, *handle) : NULL;
}

static void time_shared(void) {
    struct mallow_shared_options options = {.size = 2 * BATCH_BYTES, .maximum = 2 * SIZE_LARGEST};
    if (heap == NULL && mallow_shared_memfd(&heap, &options) != MALLOW_OK) {
        reason = strerror(errno);
        return;
    }
    TIME(shared_alloc(&handles[i]), mallow_shared_free(heap, handles[i]));
}

static char *secret_alloc(void) {
    char *secret = mallow_secret_alloc(size, 0);
    if (secret == NULL && mallow_last_error().limit == MALLOW_LIMIT_LOCKED_MEMORY)
        reason = "lock limit";
    return secret;
}

static void time_secret(void) { TIME(secret_alloc(), mallow_secret_free(blocks[i])); }

/* ---- the measurement ---- */

static const struct way {
    const char *name;
    void (*time)(void);
} ways[] = {
    {"malloc", time_malloc},   {"calloc", time_calloc},   {"realloc", time_realloc},
    {"aligned", time_aligned}, {"mmap", time_mmap},       {"brk", time_brk},
    {"arena", time_arena},     {"scratch", time_scratch}, {"alloca", time_alloca},
    {"array", time_array},     {"static", time_static},   {"shared", time_shared},
    {"secret", time_secret},
};
enum { WAYS = sizeof ways / sizeof *ways };

/* Returns the shortest time between two readings of the clock. */
static double clock_costs(void) {
    double least = 1e9;
    for (int i = 0; i < 1000; i++) {
        double before = now(), after = now();
        if (after - before < least) least = after - before;
    }
    return least;
}

int main(int argc, char **argv) {
    if (argc < 4) return 125;
    double best[WAYS][PHASES];
    const char *reasons[WAYS] = {NULL};
    int rounds = atoi(argv[1]), chosen = argc - 3;
    page = (size_t)sysconf(_SC_PAGESIZE);
    size = strtoul(argv[2], NULL, 10);
    count = size > BATCH_BYTES / BLOCKS_MAX ? (BATCH_BYTES + size - 1) / size : BLOCKS_MAX;
    arena = mallow_arena_create(NULL);
    const struct way *order[WAYS];
    for (int n = 0; n < chosen; n++) {
        int i = 0;
        while (i < WAYS && strcmp(ways[i].name, argv[n + 3]) != 0) i++;
        if (i == WAYS || n == WAYS) return 125;
        order[n] = &ways[i];
        for (int phase = 0; phase < PHASES; phase++) best[n][phase] = 1e18;
    }
    double clock = clock_costs();
    for (int round = 0; round < rounds; round++) {
        for (int n = 0; n < chosen; n++) {
            if (reasons[n] != NULL) continue;
            reason = NULL;
            order[n]->time();
            reasons[n] = reason;
            for (int phase = 0; phase < PHASES; phase++) {
                double taken = (stamps[phase + 1] - stamps[phase] - clock) / (double)count;
                if (taken < best[n][phase]) best[n][phase] = taken < 0 ? 0 : taken;
            }
        }
    }
    for (int n = 0; n < chosen; n++) {
        if (reasons[n] != NULL)
            printf("%s - %s\n", order[n]->name, reasons[n]);
        else
            printf("%s %.2f %.2f %.2f\n", order[n]->name, best[n][0], best[n][1], best[n][2]);
    }
}
