/*
 * retain trim: allocates 256 MiB in blocks of 16 to 255 bytes, frees a random 99 % of them and
 * calls malloc_trim. Prints the anonymous memory that remains, and the size of the pages that the
 * remaining blocks touch.
 *
 * retain all MILLISECONDS: frees all blocks and works on a few others for that time, without
 * malloc_trim. Prints the anonymous memory that remains.
 */
#include "anonymous.h"

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>

#define TOTAL ((size_t)256 << 20)
#define BLOCKS_MAX (TOTAL / 16)
#define PAGE 4096

static uint64_t random_state = 88172645463325252ull;

static uint64_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

static char **blocks;
static size_t count;

static void *mapped(size_t bytes) {
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
                   -1, 0);
    if (p == MAP_FAILED) abort();
    return p;
}

static size_t size_of(const char *block) { return *(const unsigned char *)block; }

static void allocate_all(void) {
    for (size_t total = 0; total < TOTAL; count++) {
        size_t size = 16 + next_random() % 240;
        blocks[count] = malloc(size);
        if (!blocks[count]) abort();
        memset(blocks[count], (int)size, size);
        total += size;
    }
}

static void free_at(size_t i) {
    free(blocks[i]);
    blocks[i] = blocks[--count];
}

static int compare_pages(const void *a, const void *b) {
    uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;
    return (x > y) - (x < y);
}

static size_t touched_kib(void) {
    uintptr_t *pages = mapped(2 * count * sizeof *pages);
    size_t n = 0, distinct = 0;
    for (size_t i = 0; i < count; i++) {
        uintptr_t first = (uintptr_t)blocks[i] / PAGE;
        pages[n++] = first;
        pages[n++] = ((uintptr_t)blocks[i] + size_of(blocks[i]) - 1) / PAGE;
    }
    qsort(pages, n, sizeof *pages, compare_pages);
    for (size_t i = 0; i < n; i++) distinct += i == 0 || pages[i] != pages[i - 1];
    munmap(pages, 2 * count * sizeof *pages);
    return distinct * PAGE / 1024;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Imitates the usual work of a program: allocates and frees a few thousand blocks of all sizes. */
static void work(double seconds) {
    enum { LIVE = 2000 };
    static char *live[LIVE];
    for (double end = now() + seconds; now() < end;)
        for (int i = 0; i < 1000; i++) {
            size_t at = next_random() % LIVE;
            free(live[at]);
            live[at] = malloc(next_random() % 1000 + 1);
            if (live[at]) *live[at] = 1;
        }
    for (int i = 0; i < LIVE; i++) free(live[i]);
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    blocks = mapped(BLOCKS_MAX * sizeof *blocks);
    long before = anonymous_kib();
    allocate_all();
    if (argc == 3) {
        while (count > 0) free_at(next_random() % count);
        long freed = anonymous_kib() - before;
        work(atof(argv[2]) / 1000);
        printf("freed_kib=%ld\nkept_kib=%ld\n", freed, anonymous_kib() - before);
        return 0;
    }
    for (size_t left = count / 100; count > left;) free_at(next_random() % count);
    double start = now();
    malloc_trim(0);
    double took = now() - start;
    long kept = anonymous_kib() - before;
    printf("touched_kib=%zu\nkept_kib=%ld\ntrim_ms=%.0f\n", touched_kib(), kept, took * 1000);
    return 0;
}
