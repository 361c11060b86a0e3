/* With check=hard a block can be freed once and only at its start, and its slot waits before it is
 * used again. */
#include "hard_blocks.h"

#include "random.h"

#include "check/hard_ring.h"
#include "check/hard_seal.h"
#include "check/modes.h"
#include "heap/heap_enter.h"
#include "heap/size_class.h"

static uint64_t seed = 1;

/* ---- frees ---- */

static void a_block_is_freed_once_and_at_its_start(void) {
    char *block = take(100), *run = hard_mode.malloc(MIB, heap_no_entries);
    static int data;
    void *others[] = {NULL, block + 1, block + 8,  block + 16,          block - 16, &data,
                      run,  run + 16,  space.base, (void *)UINTPTR_MAX, block + 99};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) CHECK(!hard_free(others[i]));
    give(block);
    for (int i = 0; i < 3; i++) CHECK(!hard_free(block));
    check_reported("");
}

static void *free_all(void *unused) {
    for (int i = 0; i < SHARED; i++) {
        meet(i);
        freed_blocks += hard_free(shared[i]);
    }
    return unused;
}

static void one_of_several_threads_frees_a_block(void) {
    check_race(take, free_all);
    for (int i = 0; i < SHARED; i++) CHECK(!is_damaged(shared[i]) && is_zero(shared[i], 50));
    check_reported("");
}

/* The overwritten word no longer holds the size. */
static void the_size_of_an_overrun_block_is_not_compared(void) {
    struct free_request request = {.family = FAMILY_NEW, WITH_SIZE(100)};
    char *block = take(100);
    struct slot_ref ref = ref_of_live(block);
    memset(block, 'x', ref.bytes);
    CHECK(hard_free_checked(block, &request));
    const char *text = reported();
    CHECK(strstr(text, "heap overflow of") != NULL && strstr(text, "size mismatch") == NULL);
}

static void passed_sizes_are_compared(void) {
    struct free_request request = {.family = FAMILY_NEW, WITH_SIZE(100)};
    CHECK(hard_free_checked(take(100), &request));
    check_reported("");
    CHECK(hard_free_checked(take(99), &request));
    check_reported("size is 99, freed with 100");
    CHECK(hard_free_checked(take(101), &request));
    check_reported("size is 101, freed with 100");
    char *block = hard_alloc(100, 64);
    request.has_align = true;
    request.align = 64;
    CHECK(hard_free_checked(block, &request));
    check_reported("");
    CHECK(!hard_free_checked(block, &request));
    check_reported("");
    request.has_align = request.has_size = false;
    CHECK(hard_free_checked(take(5000), &request));
    check_reported("");
}

/* ---- after the free ---- */

static void a_slot_waits_for_other_frees(void) {
    for (unsigned size_class = 2; size_class < CLASSES; size_class++) {
        size_t size = size_class_bytes(size_class) - HARD_TAIL;
        for (int i = 0; i < 3; i++) {
            char *block = take(size);
            give(block);
            size_t frees = frees_until_reuse(take, give, block, size);
            if (frees < delay_of(size + HARD_TAIL) || frees == SIZE_MAX)
                check_failed("a slot of %zu bytes is used again after %zu frees\n", size, frees);
        }
    }
    check_reported("");
}

/* Many slots are freed at once, and fresh ones are available. */
static void a_slot_waits_after_many_frees_at_once(void) {
    enum { COUNT = 3000, SIZE = 24 };
    static char *blocks[COUNT];
    static size_t freed_at[COUNT];
    size_t frees = 0;
    for (int i = 0; i < COUNT; i++) blocks[i] = take(SIZE);
    for (int i = 0; i < 200000; i++) {
        size_t n = random_below(&seed, COUNT / 2) + (size_t)(i / 1000 % 2) * COUNT / 2;
        if (blocks[n] != NULL && freed_at[n] == 0) {
            give(blocks[n]);
            freed_at[n] = ++frees;
            continue;
        }
        char *block = take(SIZE);
        for (size_t k = 0; k < COUNT; k++)
            if (blocks[k] == block && freed_at[k] != 0) CHECK(frees - freed_at[k] >= HARD_DELAY);
        blocks[n] = block;
        freed_at[n] = 0;
    }
    check_reported("");
}

/* ---- large slots ---- */

enum { LARGE_EACH = 100 };
static char *large[CLASSES][LARGE_EACH];

static uint8_t state_of(const char *block) {
    struct slot_ref ref = ref_around(block);
    return slot_state_get(ref.state);
}

static size_t bytes_that_wait(void) {
    size_t bytes = 0;
    for (unsigned size_class = 0; size_class < CLASSES; size_class++)
        for (int i = 0; i < LARGE_EACH && large[size_class][i] != NULL; i++)
            if (state_of(large[size_class][i]) == SLOT_HELD) bytes += size_class_bytes(size_class);
    return bytes;
}

/* A thread that uses all classes would keep 80 MiB if each had a delay of its own. */
static void large_slots_of_all_classes_wait_together(void) {
    size_t rings = 0, all = 0;
    for (unsigned size_class = 0; size_class < CLASSES; size_class++) {
        size_t bytes = size_class_bytes(size_class);
        if (bytes <= HARD_SMALL) continue;
        for (int i = 0; i < LARGE_EACH; i++) large[size_class][i] = take(bytes - HARD_TAIL);
        rings += max_size(READY_BYTES, 2 * bytes);
        all += LARGE_EACH * bytes;
    }
    for (unsigned size_class = 0; size_class < CLASSES; size_class++)
        for (int i = 0; i < LARGE_EACH && large[size_class][i] != NULL; i++)
            give(large[size_class][i]);
    CHECK(all > 10 * (QUEUE_BYTES + rings));
    CHECK(bytes_that_wait() <= QUEUE_BYTES + rings);
    CHECK(bytes_that_wait() >= QUEUE_BYTES - SLOT_MAX);
    struct heap *heap = heap_enter();
    CHECK(hard_relieve(heap));
    heap_leave(heap);
    CHECK_EQUAL(bytes_that_wait(), 0);
    check_reported("");
}

static void a_large_slot_waits_for_frees_of_other_classes(void) {
    enum { SIZE = 4000, OTHER = 5000, READY = 20 };
    char *block = take(SIZE);
    give(block);
    for (unsigned i = 0; i < HARD_DELAY - 1; i++) give(take(OTHER));
    size_t takes = 0;
    for (; takes < READY; takes++) CHECK(take(SIZE) != block);
    give(take(OTHER));
    while (take(SIZE) != block) CHECK(++takes < 2 * READY);
    check_reported("");
}

static struct body bodies[] = {
    BODY(a_block_is_freed_once_and_at_its_start),
    BODY(one_of_several_threads_frees_a_block),
    BODY(the_size_of_an_overrun_block_is_not_compared),
    BODY(passed_sizes_are_compared),
    BODY(a_slot_waits_for_other_frees),
    BODY(a_slot_waits_after_many_frees_at_once),
    BODY(large_slots_of_all_classes_wait_together),
    BODY(a_large_slot_waits_for_frees_of_other_classes),
};

int main(void) {
    begin();
    return run_bodies(bodies);
}
