/* Measures the time to capture a stack, in nanoseconds, without the calls around the capture.
 * bench/stack-capture builds this program with the library's own files. */
#include <alloca.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "stack/call_tree.h"
#include "stack/stack.h"

#define NOINLINE __attribute__((noinline))
#define KEEP_FRAME() __asm__ volatile("" ::: "memory")
#define INNER 4u

static struct stack_cache *cache;
static bool captures, forgets;
static unsigned frames_seen;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

NOINLINE static void leaf(void) {
    uintptr_t frames[STACK_FRAMES_MAX];
    if (!captures) return;
    if (forgets) cache = NULL; /* the old cache is leaked */
    stack_id stack = stack_capture(&cache);
    if (frames_seen == 0) frames_seen = stack_frames(stack, frames);
}

/* Recurses by one of two calls; a bit of the path selects the call at each depth. */
NOINLINE static void inner(unsigned path, unsigned n) {
    if (n == 0)
        leaf();
    else if (path & 1)
        inner(path >> 1, n - 1);
    else
        inner(path >> 1, n - 1);
    KEEP_FRAME();
}

NOINLINE static void repeat_same(unsigned times) {
    for (unsigned i = 0; i < times; i++) leaf();
}
NOINLINE static void repeat_inner(unsigned times) {
    for (unsigned i = 0; i < times; i++) inner(i, INNER);
}

static unsigned frames_below;
static void (*work)(unsigned);

NOINLINE static void below(unsigned frames, unsigned times) {
    if (frames == 0)
        work(times);
    else
        below(frames - 1, times);
    KEEP_FRAME();
}

/* Moves all frames between two captures. They return to an address after two captures or, with many
 * places, after more captures than are remembered. */
static unsigned places = 2, place;
static void repeat_moved(unsigned frames, unsigned times) {
    for (unsigned i = 0; i < times; i++) {
        volatile char *room = alloca(16 + ++place % places * 16);
        room[0] = 0;
        inner(0, frames);
        __asm__ volatile("" ::"r"(room) : "memory");
    }
}

static void moved_here(unsigned times) {
    for (unsigned i = 0; i < times; i += 100) repeat_moved(frames_below, 100);
}

/* Frames in addition to the recursion: leaf, work, main and the callers of main. */
#define OWN 7u

static double measure(unsigned frames, void (*what)(unsigned), unsigned times) {
    double best = 1e18, took[2];
    unsigned depth = frames - OWN - (what == repeat_inner ? INNER + 1 : 0);
    work = what;
    if (what == moved_here) frames_below = depth - 2, depth = 0;
    frames_seen = 0;
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned with = 0; with < 2; with++) {
            captures = with;
            double start = now();
            below(depth, times);
            took[with] = now() - start;
        }
        if (took[1] - took[0] < best) best = took[1] - took[0];
    }
    if (frames_seen != frames) fprintf(stderr, "%u frames instead of %u\n", frames_seen, frames);
    return best / times;
}

int main(void) {
    static const unsigned depths[] = {12, 20, 50};
    printf("%-26s%8s %8s %8s\n", "ns per capture", "12", "20", "50 frames");
    const struct {
        const char *name;
        void (*what)(unsigned);
        unsigned times;
        bool forgets;
    } rows[] = {{"nothing", repeat_same, 200000, false},
                {"innermost four, 16 ways", repeat_inner, 200000, false},
                {"moves between two places", moved_here, 100000, false},
                {"moves, not remembered", moved_here, 100000, false},
                {"the thread's first", repeat_same, 200, true}};
    for (unsigned r = 0; r < sizeof rows / sizeof *rows; r++) {
        printf("%-26s", rows[r].name);
        forgets = rows[r].forgets;
        places = r == 3 ? 4096 : 2;
        for (unsigned d = 0; d < 3; d++)
            printf(" %8.1f", measure(depths[d], rows[r].what, rows[r].times));
        printf("\n");
        cache = NULL;
    }
    printf("%u nodes\n", call_tree_nodes());
    return 0;
}
