/*
 * Each setting of mallopt(3), of the variables and of the tunables has the effect that mallow(7)
 * describes.
 *     knobs EFFECT [M_NAME=VALUE]    a setting in the environment or for mallopt has the effect
 *     knobs not EFFECT               the effect is absent by default
 * mallopt is called when the heap is in use: full magazines must follow the setting too.
 */
#include "advised.h"
#include "knob.h"
#include "resident.h"
#include "threads.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum { MEBIBYTE = 1 << 20, FEW = 64, PERTURB = 0xa5, COMPLEMENT = 0x5a };

static void *few[FEW];

static void use_few(size_t size) {
    for (int i = 0; i < FEW; i++) few[i] = malloc(size);
    for (int i = 0; i < FEW; i++) {
        memset(few[i], 0, size);
        free(few[i]);
    }
}

static void use_heap(void) {
    static const size_t sizes[] = {16, 64, 65, 100, 1000, 4000, 20000, 100000};
    for (int round = 0; round < 8; round++)
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) use_few(sizes[i]);
}

/* ---- free memory that the heap keeps ---- */

enum { KEPT_BLOCKS = 40000 };

/* Allocates, touches and frees 40 MB of blocks of one size. */
static void fill_and_free(size_t size) {
    static void *blocks[KEPT_BLOCKS];
    size_t count = (size_t)KEPT_BLOCKS * 1000 / size;
    for (size_t i = 0; i < count; i++) blocks[i] = memset(malloc(size), 1, size);
    for (size_t i = 0; i < count; i++) free(blocks[i]);
}

/* Memory is given back before the first tick of the decay, and less is kept than without a
 * limit. */
static bool gives_back_at_once(void) {
    static const size_t sizes[] = {1000, 20000, 100000};
    malloc_trim(0);
    size_t before = resident_bytes();
    bool all = true;
    for (int i = 0; i < 3; i++) {
        fill_and_free(sizes[i]);
        all = all && resident_bytes() < before + 2 * MEBIBYTE;
    }
    return all;
}

static bool keeps_all(void) {
    malloc_trim(0);
    size_t before = resident_bytes();
    fill_and_free(100000);
    for (int i = 0; i < 8; i++) {
        nanosleep(&(struct timespec){0, 200000000}, NULL);
        for (int round = 0; round < 8; round++) use_few(100000);
    }
    return resident_bytes() > before + 32 * MEBIBYTE; /* of 40 */
}

/* The heap keeps as much as was set, not less and hardly more. */
static bool keeps_sixteen(void) {
    malloc_trim(0);
    size_t before = resident_bytes();
    fill_and_free(100000);
    size_t kept = resident_bytes() - before;
    return kept > 13 * MEBIBYTE && kept < 20 * MEBIBYTE;
}

/* ---- how the heap grows ---- */

static size_t address_space(void) {
    char text[128] = "";
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    CHECK(file >= 0 && read(file, text, sizeof(text) - 1) > 0);
    close(file);
    return strtoul(text, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

/* Measures the largest step in which the heap grows by 80 MB. */
static bool grows_by_64_mebibytes(void) {
    size_t largest = 0;
    for (int i = 0; i < 800; i++) {
        size_t before = address_space();
        CHECK(malloc(100000) != NULL);
        size_t step = address_space() - before;
        if (step > largest) largest = step;
    }
    return largest >= 64 * MEBIBYTE;
}

static size_t mappings(void) { return mallinfo2().hblks; }

static bool maps(size_t size) {
    char *block = malloc(size);
    bool mapped = mappings() == 1;
    block[0] = block[size - 1] = 1;
    free(block);
    return mapped;
}

static bool maps_70000(void) { return maps(70000); }
static bool does_not_map_200000(void) { return !maps(200000); }
static bool does_not_map_64_mebibytes(void) { return !maps(64 * MEBIBYTE); }

static bool maps_two_at_most(void) {
    static char *blocks[4];
    for (int i = 0; i < 4; i++) memset(blocks[i] = malloc(3 * MEBIBYTE), i, 3 * MEBIBYTE);
    size_t mapped = mappings();
    for (int i = 0; i < 4; i++) CHECK(blocks[i][0] == i && blocks[i][3 * MEBIBYTE - 1] == i);
    free(blocks[0]);
    free(blocks[1]);
    blocks[0] = realloc(malloc(100), 3 * MEBIBYTE); /* there is room again */
    mapped += mappings();
    return mapped == 2 + 1;
}

/* A freed mapping does not raise the threshold. */
static bool does_not_adapt(void) {
    CHECK(maps(MEBIBYTE));
    return maps(MEBIBYTE);
}

/* ---- slots in magazines ---- */

static size_t cached(void) { return mallinfo2().smblks; }

static size_t cached_of(size_t size) {
    size_t before = cached();
    use_heap();
    use_few(size);
    use_few(size);
    size_t with = cached();
    for (int i = 0; i < FEW; i++) few[i] = malloc(size);
    size_t without = cached();
    for (int i = 0; i < FEW; i++) free(few[i]);
    CHECK(before <= with + FEW);
    return with > without ? with - without : 0;
}

static bool caches_nothing(void) {
    size_t at_first = cached();
    use_heap();
    return at_first == 0 && cached() == 0;
}

static bool caches_up_to_64(void) {
    return cached_of(64) > 0 && cached_of(65) == 0 && cached_of(1000) == 0;
}

static bool caches_three_at_most(void) {
    size_t kept = cached_of(64);
    return kept > 0 && kept <= 3;
}

static bool caches_1000(void) { return cached_of(1000) > 0; }

/* Another thread's magazines are full when the setting changes. They follow in the thread's next
 * slow path. */
static pthread_barrier_t barrier;

static void *use_other_heap(void *argument) {
    use_heap();
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    free(malloc(300));
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return argument;
}

static bool other_threads_follow(void) {
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_t other = start_thread(use_other_heap, NULL);
    pthread_barrier_wait(&barrier);
    size_t before = cached();
    turn_knob("M_MXFAST=0");
    size_t after_own = cached();
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    size_t after_all = cached();
    pthread_barrier_wait(&barrier);
    join_thread(other);
    return before > after_own && after_own > 0 && after_all == 0;
}

/* ---- filled blocks ---- */

static bool is_filled(const void *start, int value, size_t size) {
    const unsigned char *bytes = start;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != value) return false;
    return true;
}

/* Reads the freed block through an address that the compiler does not recognize. */
static bool free_fills(void *block, size_t size) {
    volatile uintptr_t where = (uintptr_t)block;
    free(block);
    return is_filled((void *)where, PERTURB, size);
}

static bool fills_block(void *block, size_t size, bool reads_after_free) {
    if (!is_filled(block, COMPLEMENT, size)) return false;
    memset(block, 0, size);
    if (reads_after_free) return free_fills(block, size);
    free(block);
    return true;
}

/* A realloc in place or by moving keeps the content and fills the rest. */
static bool fills_growth(size_t size, size_t grown) {
    char *block = malloc(size);
    memset(block, 1, size);
    block = realloc(block, grown);
    bool filled = is_filled(block, 1, size) && is_filled(block + size, COMPLEMENT, grown - size);
    free(block);
    return filled;
}

static bool calloc_is_clear(size_t size) {
    void *block = calloc(1, size);
    bool clear = is_filled(block, 0, malloc_usable_size(block));
    free(block);
    return clear;
}

static bool fills(void) {
    static const size_t sizes[] = {1, 64, 65, 1000, 4000, 20000, 100000, 3000000};
    bool all = true;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && all; i++) {
        size_t size = sizes[i];
        bool remains = size < MEBIBYTE; /* a mapping is gone when it is free */
        for (int n = 0; n < FEW && all; n++) {
            all = fills_block(malloc(size), size, remains) && calloc_is_clear(size);
            all = all && fills_block(memalign(64, size), size, remains);
            all = all && fills_block(memalign(8192, size), size, remains);
        }
        all = all && fills_growth(size, size + 7) && fills_growth(size, 2 * size + 100);
        all = all && fills_growth(size, size + 50000);
    }
    return all;
}

static bool stops_filling(void) {
    if (!fills()) return false;
    turn_knob("M_PERTURB=0");
    use_heap();
    char *block = malloc(64);
    bool filled = is_filled(block, COMPLEMENT, 64);
    return !filled && !free_fills(block, 64) && cached() > 0;
}

/* ---- huge pages ---- */

static bool asks_for_huge_pages(void) {
    if (!huge_pages_exist()) skip("the kernel has no transparent huge pages");
    bool slot = is_advised(malloc(100)), grown = true;
    for (int i = 0; i < 100; i++) grown = grown && is_advised(malloc(100000));
    bool mapping = is_advised(malloc(4 * MEBIBYTE));
    CHECK(!is_advised(malloc(MEBIBYTE))); /* too small for a huge page */
    CHECK_EQUAL(mappings(), 2);
    CHECK(slot == grown && grown == mapping);
    return slot;
}

static const struct {
    const char *name;
    bool (*holds)(void);
} effects[] = {
    {"gives_back_at_once", gives_back_at_once},
    {"keeps_all", keeps_all},
    {"keeps_sixteen", keeps_sixteen},
    {"grows_by_64_mebibytes", grows_by_64_mebibytes},
    {"maps_70000", maps_70000},
    {"does_not_map_200000", does_not_map_200000},
    {"does_not_map_64_mebibytes", does_not_map_64_mebibytes},
    {"maps_two_at_most", maps_two_at_most},
    {"does_not_adapt", does_not_adapt},
    {"caches_nothing", caches_nothing},
    {"caches_up_to_64", caches_up_to_64},
    {"caches_three_at_most", caches_three_at_most},
    {"caches_1000", caches_1000},
    {"other_threads_follow", other_threads_follow},
    {"fills", fills},
    {"stops_filling", stops_filling},
    {"asks_for_huge_pages", asks_for_huge_pages},
};

int main(int argc, char **argv) {
    bool expected = strcmp(argv[1], "not") != 0;
    const char *name = argv[expected ? 1 : 2];
    use_heap();
    if (expected && argc > 2) turn_knob(argv[2]);
    for (size_t i = 0; i < sizeof(effects) / sizeof(effects[0]); i++) {
        if (strcmp(effects[i].name, name) != 0) continue;
        CHECK_EQUAL(effects[i].holds(), expected);
        return EXIT_SUCCESS;
    }
    check_failed("no effect: %s\n", name);
}
