/* Blocks of check=hard: what is found, what is known, and how long a slot is not used again. */
#include "threads.h"

#include "bodies.h"

#include <sched.h>

#include "check/hard.h"
#include "check/verify.h"
#include "heap/alloc.h"
#include "heap/size_class.h"
#include "os/os.h"
#include "pattern.h"
#include "process/options.h"
#include "random.h"

enum { LARGEST = SLOT_MAX - HARD_TAIL };

static uint64_t seed = 1;

static void begin(void) {
    setenv("MALLOW_OPTIONS", "check=hard,on_error=report", 1);
    options_read();
    CHECK_EQUAL(settings.check, CHECK_HARD);
}

static bool is_zero(const char *start, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        if (start[i] != 0) return false;
    return true;
}

static char *take(size_t size) {
    char *block = hard_alloc(size, 1);
    CHECK(block != NULL);
    return block;
}

static void give(char *block) { CHECK(hard_free(block)); }

static struct place place_around(const char *p) {
    struct place place;
    CHECK(place_of(p, &place));
    return place;
}

static struct place place_of_live(char *block) {
    struct place place;
    CHECK(hard_find(block, &place) && place.start == block);
    return place;
}

static bool is_damaged(const char *block) {
    struct place place = place_around(block);
    return hard_is_damaged(&place);
}

/* ---- blocks ---- */

static void check_block(size_t size, size_t align) {
    char *block = hard_alloc(size, align);
    CHECK(block != NULL && (uintptr_t)block % max_size(align, UNIT) == 0);
    CHECK(is_zero(block, size));
    struct place place = place_of_live(block);
    CHECK(place.bytes >= size + HARD_TAIL);
    CHECK_EQUAL(hard_size(&place), size);
    struct block_info info;
    CHECK(hard_is_known(&place));
    hard_info(&place, &info);
    CHECK(info.life == LIFE_LIVE && info.start == block && info.exact && info.size == size);
    memset(block, 1, size);
    CHECK_EQUAL(hard_size(&place), size);
    give(block);
    CHECK(is_zero(place.start, place.bytes));
    CHECK(hard_is_known(&place) && !hard_find(block, &place));
    hard_info(&place, &info);
    CHECK(info.life == LIFE_FREED && info.start == block && !info.exact);
    check_reported("");
}

static void blocks_are_what_was_asked_for(void) {
    for (size_t size = 1; size <= LARGEST; size += 1 + size / 50) check_block(size, 1);
    check_block(LARGEST, 1);
    for (size_t align = 2; align <= RUN_PAGE; align *= 2)
        for (size_t size = 1; size + align + HARD_TAIL <= SLOT_MAX; size += 1 + size / 3)
            check_block(size, align);
}

static void what_needs_more_than_a_slot_has_none(void) {
    static const size_t sizes[] = {LARGEST + 1, SLOT_MAX, SLOT_MAX + 1, PTRDIFF_MAX, SIZE_MAX};
    for (int i = 0; i < 5; i++) CHECK(hard_alloc(sizes[i], 1) == NULL);
    CHECK(hard_alloc(1, 2 * RUN_PAGE) == NULL);
}

static void malloc_goes_on_with_other_ways(void) {
    for (size_t size = 1; size < 4 * SLOT_MAX; size = size * 2 + 1) {
        char *block = hard_malloc(size);
        struct block_info info;
        CHECK(block != NULL && is_zero(block, size));
        CHECK(block_info_of(block, &info) && info.life == LIFE_LIVE && info.size == size);
    }
}

/* ---- overflows ---- */

/* Each bit up to the slot's end. */
static void check_each_bit_behind(size_t size) {
    char *block = take(size);
    struct place place = place_of_live(block);
    for (char *at = block + size; at < place.start + place.bytes; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            *at ^= (char)(1 << bit);
            if (!hard_is_damaged(&place)) check_failed("%zu bytes, at %td\n", size, at - block);
            *at ^= (char)(1 << bit);
        }
    }
    CHECK(!hard_is_damaged(&place));
    give(block);
    check_reported("");
}

static void each_byte_behind_a_block_is_looked_at(void) {
    for (size_t size = 1; size < 300; size++) check_each_bit_behind(size);
    for (size_t size = 300; size < LARGEST; size += size / 4) check_each_bit_behind(size);
}

static void a_null_byte_too_many_is_enough(void) {
    for (size_t size = 1; size < 2000; size++) {
        char *block = take(size);
        struct place place = place_of_live(block);
        block[size] = 0;
        CHECK(hard_is_damaged(&place));
        give(block);
        check_reported("heap overflow of");
    }
}

static void the_free_tells_and_frees(void) {
    for (size_t size = 1; size < 1000; size = size * 3 / 2 + 1) {
        char *block = take(size), expected[100];
        block[size] ^= 0x55;
        struct place place = place_of_live(block);
        snprintf(expected, sizeof expected, "heap overflow of %p (", (void *)(block + size));
        give(block);
        const char *text = reported();
        CHECK(strstr(text, expected) != NULL);
        CHECK(strstr(text, "heap overflow of") != NULL);
        CHECK(strstr(text, ", found by free\n") != NULL);
        CHECK(is_zero(place.start, place.bytes));
        CHECK(!hard_free(block));
    }
}

static void the_next_block_is_not_reached_unseen(void) {
    char *block = take(40);
    struct place place = place_of_live(block);
    memset(block, 'x', place.bytes);
    give(block);
    check_reported("heap overflow of");
}

static void a_word_from_elsewhere_does_not_fit(void) {
    enum { COUNT = 100, SIZE = 32, WORD_AT = SIZE + HARD_TAIL - HARD_WORD };
    char *blocks[COUNT], words[COUNT][HARD_WORD];
    for (int i = 0; i < COUNT; i++) blocks[i] = take(SIZE);
    for (int i = 0; i < COUNT; i++) memcpy(words[i], blocks[i] + WORD_AT, HARD_WORD);
    for (int to = 0; to < COUNT; to++) {
        for (int from = 0; from < COUNT; from++) {
            memcpy(blocks[to] + WORD_AT, words[from], HARD_WORD);
            CHECK_EQUAL(is_damaged(blocks[to]), from != to);
        }
        memcpy(blocks[to] + WORD_AT, words[to], HARD_WORD);
        give(blocks[to]);
    }
    check_reported("");
}

/* ---- underflows ---- */

static unsigned count_reports(void) {
    unsigned count = 0;
    for (const char *text = reported(); (text = strstr(text, "mallow: ")) != NULL; text++) count++;
    return count;
}

/* One byte is written before each of some blocks: as many bytes are found, whatever lies there. */
static void check_writes_before(size_t size, ptrdiff_t offset, bool used_again) {
    enum { COUNT = 100, MORE = 1500 };
    static char *blocks[COUNT + MORE];
    for (int i = 0; i < COUNT; i++) blocks[i] = take(size);
    for (int i = 0; i < COUNT; i++) blocks[i][-offset] ^= 0x55;
    for (int i = COUNT; used_again && i < COUNT + MORE; i++) blocks[i] = take(size);
    for (int i = 0; used_again && i < COUNT + MORE; i++) give(blocks[i]);
    verify_all("looked at");
    unsigned found = count_reports();
    if (found != COUNT) check_failed("%zu bytes, at -%td: %u found\n", size, offset, found);
}

/* Each in a process of its own: its slots are fresh, and found when they are used. */
static void in_fresh_slots(size_t size, bool used_again) {
    for (ptrdiff_t offset = 1; offset <= (ptrdiff_t)HARD_TAIL; offset++) {
        pid_t child = start_child();
        if (child == 0) {
            check_writes_before(size, offset, used_again);
            _exit(0);
        }
        int status;
        CHECK(waitpid(child, &status, 0) == child && status == 0);
    }
}

static void a_write_before_a_block_is_found_when_slots_are_used(void) {
    in_fresh_slots(48, true);
    in_fresh_slots(56, true);
    in_fresh_slots(248, true);
}

/* Also in slots that were never used. */
static void a_write_before_a_block_is_found_at_the_end(void) {
    in_fresh_slots(24, false);
    in_fresh_slots(240, false);
}

/* Before it lies no slot. */
static void a_write_before_the_first_block_of_a_slab_is_found(void) {
    enum { SIZE = 100, COUNT = 4096 };
    for (int i = 0; i < COUNT; i++) {
        struct place place = place_of_live(take(SIZE));
        if (place.slot != place.slab->slots - place.slab->capacity) continue;
        place.start[-1] = 1;
        verify_all("looked at");
        CHECK(strstr(reported(), "heap underflow of") != NULL);
        verify_all("looked at");
        check_reported("");
        return;
    }
    CHECK(false);
}

/* ---- blocks of no bytes ---- */

static void a_block_of_no_bytes_is_inaccessible(void) {
    static char *blocks[1000];
    for (int i = 0; i < 1000; i++) {
        struct block_info info;
        blocks[i] = take(0);
        CHECK(!os_is_readable(blocks[i]) && (uintptr_t)blocks[i] % UNIT == 0);
        CHECK(block_info_of(blocks[i], &info) && info.life == LIFE_LIVE && info.size == 0);
    }
    for (int i = 0; i < 1000; i++) {
        struct block_info info;
        CHECK(hard_free(blocks[i]) && !hard_free(blocks[i]));
        CHECK(block_info_of(blocks[i], &info) && info.life == LIFE_FREED && info.size == 0);
    }
    char *block = take(0);
    CHECK(hard_free(block));
    for (unsigned i = 0; i < HARD_DELAY; i++) {
        char *other = take(0);
        CHECK(other != block && hard_free(other));
    }
    CHECK(hard_alloc(0, 64) == NULL); /* a guarded one serves */
    verify_all("looked at");
    check_reported("");
}

/* ---- frees ---- */

static void a_block_is_freed_once_and_where_it_begins(void) {
    char *block = take(100), *run = hard_malloc(MIB);
    static int data;
    void *others[] = {NULL, block + 1, block + 8,  block + 16,          block - 16, &data,
                      run,  run + 16,  space.base, (void *)UINTPTR_MAX, block + 99};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) CHECK(!hard_free(others[i]));
    give(block);
    for (int i = 0; i < 3; i++) CHECK(!hard_free(block));
    check_reported("");
}

enum { SHARED = 3000, THREADS = 2 };
static char *shared[SHARED];
static _Atomic int met, given;

/* At the same block at the same time: who comes last is the first to see that, so he waits. */
static void meet(int block) {
    bool last = met++ % THREADS == THREADS - 1;
    for (volatile int wait = last ? block % 128 : 0; wait > 0;) wait = wait - 1;
    for (int looks = 0; met < THREADS * (block + 1); looks++)
        if (looks > 1000) sched_yield();
}

static void *give_all(void *unused) {
    for (int i = 0; i < SHARED; i++) {
        meet(i);
        given += hard_free(shared[i]);
    }
    return unused;
}

static void one_of_several_threads_gets_it(void) {
    pthread_t threads[THREADS];
    for (int i = 0; i < SHARED; i++) shared[i] = take(50);
    for (int i = 0; i < THREADS; i++) threads[i] = start_thread(give_all, NULL);
    for (int i = 0; i < THREADS; i++) join_thread(threads[i]);
    CHECK_EQUAL(given, SHARED);
    for (int i = 0; i < SHARED; i++) CHECK(!is_damaged(shared[i]) && is_zero(shared[i], 50));
    check_reported("");
}

/* The word that was overwritten no longer tells the size. */
static void of_a_block_that_was_overrun_no_size_is_compared(void) {
    struct release how = {.family = FAMILY_NEW, WITH_SIZE(100)};
    char *block = take(100);
    struct place place = place_of_live(block);
    memset(block, 'x', place.bytes);
    CHECK(hard_free_told(block, &how));
    const char *text = reported();
    CHECK(strstr(text, "heap overflow of") != NULL && strstr(text, "size mismatch") == NULL);
}

static void sizes_that_are_told_are_compared(void) {
    struct release how = {.family = FAMILY_NEW, WITH_SIZE(100)};
    CHECK(hard_free_told(take(100), &how));
    check_reported("");
    CHECK(hard_free_told(take(99), &how));
    check_reported("size is 99, freed with 100");
    CHECK(hard_free_told(take(101), &how));
    check_reported("size is 101, freed with 100");
    char *block = hard_alloc(100, 64);
    how.has_align = true;
    how.align = 64;
    CHECK(hard_free_told(block, &how));
    check_reported("");
    CHECK(!hard_free_told(block, &how));
    check_reported("");
    how.has_align = how.has_size = false;
    CHECK(hard_free_told(take(5000), &how));
    check_reported("");
}

/* ---- another size ---- */

static void resize(char *block, size_t before, size_t size) {
    struct place place = place_of_live(block);
    pattern_fill(block, before, 17);
    if (hard_resize(&place, size)) {
        CHECK(pattern_holds(block, min_size(before, size), 17));
        if (size > before) CHECK(is_zero(block + before, size - before));
        CHECK(!hard_is_damaged(&place));
        CHECK_EQUAL(hard_size(&place), size);
        CHECK(class_of(size + HARD_TAIL) == place.slab->class);
        if (size + HARD_TAIL < place.bytes) {
            block[size] ^= 1;
            CHECK(hard_is_damaged(&place));
            block[size] ^= 1;
        }
    } else {
        CHECK(pattern_holds(block, before, 17));
        CHECK_EQUAL(hard_size(&place), before);
        CHECK(class_of(size + HARD_TAIL) != place.slab->class);
    }
    give(block);
    check_reported("");
}

static void a_block_is_resized_within_its_class(void) {
    for (size_t before = 1; before < 200; before++)
        for (size_t size = 1; size < 200; size++) resize(take(before), before, size);
    for (size_t before = 500; before < LARGEST; before += before / 9)
        for (size_t size = 1; size < LARGEST; size = size * 5 / 4 + 1)
            resize(take(before), before, size);
}

static void resizing_looks_behind_the_block(void) {
    char *block = take(100);
    struct place place = place_of_live(block);
    block[100] = 0;
    CHECK(hard_resize(&place, 101));
    check_reported(", found by realloc");
    give(block);
    check_reported("");
}

/* ---- after the free ---- */

/* How many blocks of the size are freed until the slot serves again. */
static size_t frees_until_reuse(const char *freed, size_t size) {
    for (size_t frees = 0; frees < 20000; frees++) {
        char *block = take(size);
        if (block == freed) return frees;
        give(block);
    }
    return SIZE_MAX;
}

static void a_slot_waits_for_other_frees(void) {
    for (unsigned class = 2; class < CLASSES; class ++) {
        size_t size = class_size(class) - HARD_TAIL;
        for (int i = 0; i < 3; i++) {
            char *block = take(size);
            give(block);
            size_t frees = frees_until_reuse(block, size);
            if (frees < HARD_DELAY || frees == SIZE_MAX)
                check_failed("%zu bytes come again after %zu frees\n", size, frees);
        }
    }
    check_reported("");
}

/* Also when many are freed at once, and fresh ones are there. */
static void so_it_does_after_many_frees(void) {
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

static void each_byte_of_a_freed_block_is_looked_at(void) {
    for (size_t size = 1; size < 3000; size = size * 2 + 7) {
        char *block = take(size);
        struct place place = place_of_live(block);
        give(block);
        for (char *at = place.start; at < place.start + place.bytes; at++) {
            *at = 1;
            CHECK(hard_is_damaged(&place));
            *at = 0;
        }
        CHECK(!hard_is_damaged(&place));
    }
}

/* Where the pointers of free blocks would be, and at the very end. */
static void a_write_is_found_when_the_slot_is_used_again(void) {
    for (size_t size = 8; size < LARGEST; size = size * 3 + 5) {
        for (int end = 0; end < 2; end++) {
            char *block = take(size), expected[100];
            struct place place = place_of_live(block);
            char *at = end ? place.start + place.bytes - 1 : block;
            give(block);
            *at = 1;
            snprintf(expected, sizeof expected, "use after free of %p (", (void *)at);
            CHECK(frees_until_reuse(block, size) >= HARD_DELAY);
            const char *text = reported();
            CHECK(strstr(text, expected) != NULL);
            CHECK(strstr(text, ", found when it was to be used again\n") != NULL);
            CHECK(strstr(text, "stops the program at the access itself\n") != NULL);
            CHECK(is_zero(block, size) && !is_damaged(block));
            give(block);
        }
    }
    check_reported("");
}

static void looking_on_demand_tells_too(void) {
    char *block = take(100);
    struct place place = place_of_live(block);
    CHECK(!hard_verify(&place, "found by the test"));
    block[100] ^= 1;
    CHECK(hard_verify(&place, "found by the test"));
    check_reported(", found by the test\n");
    block[100] ^= 1;
    give(block);
    CHECK(!hard_verify(&place, "found by the test"));
    check_reported("");
    block[50] = 1;
    CHECK(hard_verify(&place, "found by the test"));
    check_reported("use after free of");
}

/* ---- where slots are ---- */

static void memory_of_one_class_serves_no_other(void) {
    enum { COUNT = 400 };
    static char *blocks[COUNT];
    static uint8_t class_of_granule[1 << 16];
    for (int round = 0; round < 2; round++) {
        for (unsigned class = 2; class < CLASSES; class ++) {
            for (int i = 0; i < COUNT; i++) {
                blocks[i] = take(class_size(class) - HARD_TAIL);
                size_t granule = granule_of(blocks[i]);
                CHECK(granule < sizeof class_of_granule);
                CHECK(class_of_granule[granule] == 0 || class_of_granule[granule] == class);
                class_of_granule[granule] = (uint8_t) class;
            }
            for (int i = 0; i < COUNT; i++) give(blocks[i]);
        }
        struct heap *heap = heap_enter();
        CHECK(hard_relieve(heap));
        CHECK(!hard_relieve(heap));
        heap_leave(heap);
    }
    check_reported("");
}

static void the_order_of_slots_cannot_be_guessed(void) {
    enum { COUNT = 500 };
    for (size_t size = 16; size < 3000; size *= 3) {
        char *before = take(size);
        int ascents = 0, neighbours = 0;
        for (int i = 0; i < COUNT; i++) {
            char *next = take(size);
            size_t distance = (size_t)(next > before ? next - before : before - next);
            ascents += next > before;
            neighbours += distance < 2 * (size + UNIT);
            before = next;
        }
        CHECK(ascents > COUNT / 4 && ascents < COUNT * 3 / 4);
        CHECK(neighbours < COUNT * 2 / 5);
    }
}

/* Where in a slab the first blocks are. */
static void nor_can_the_place_of_the_first(void) {
    enum { CHILDREN = 20, FIRST = 100 };
    int first = 0;
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = start_child();
        if (child == 0) {
            struct place place = place_of_live(take(24));
            CHECK(place.slab->slots > 10 * FIRST);
            _exit(place.slot < FIRST);
        }
        int status;
        CHECK_EQUAL(waitpid(child, &status, 0), child);
        CHECK(WIFEXITED(status));
        first += WEXITSTATUS(status);
    }
    CHECK(first < CHILDREN / 2);
}

/* Before the mode was chosen, or where a block was too large for slots. */
static void memory_that_was_used_otherwise_is_zero(void) {
    enum { BYTES = 2 * MIB };
    bool zeroed;
    settings.mmap_max = 0;
    char *used = alloc_plain(BYTES, 1, &zeroed);
    memset(used, 0xff, BYTES);
    free_plain(used, NULL);
    size_t within = 0;
    for (int i = 0; i < 2000; i++) {
        char *block = take(1000);
        CHECK(is_zero(block, 1000));
        within += block >= used && block < used + BYTES;
    }
    CHECK(within > 1000);
    check_reported("");
}

/* ---- all together ---- */

enum { BLOCKS = 300, STEPS = 60000 };

static void *live(void *argument) {
    struct {
        char *start;
        size_t size;
        uint64_t key;
    } blocks[BLOCKS] = {{NULL, 0, 0}};
    uint64_t random = (uintptr_t)argument;
    for (int i = 0; i < STEPS; i++) {
        size_t n = random_below(&random, BLOCKS);
        if (blocks[n].start != NULL) {
            struct place place = place_of_live(blocks[n].start);
            CHECK_EQUAL(hard_size(&place), blocks[n].size);
            CHECK(pattern_holds(blocks[n].start, blocks[n].size, blocks[n].key));
            give(blocks[n].start);
            blocks[n].start = NULL;
            continue;
        }
        size_t size = 1 + random_below(&random, (size_t)1 << random_below(&random, 13));
        char *start = hard_malloc(size);
        CHECK(start != NULL && is_zero(start, size));
        blocks[n].start = start;
        blocks[n].size = size;
        blocks[n].key = pattern_key(start, size, (uint64_t)i);
        pattern_fill(start, size, blocks[n].key);
    }
    return NULL;
}

static void blocks_live_beside_each_other(void) {
    pthread_t threads[3];
    for (uintptr_t i = 0; i < 3; i++) threads[i] = start_thread(live, (void *)(i + 1));
    for (int i = 0; i < 3; i++) join_thread(threads[i]);
    check_reported("");
}

static struct body bodies[] = {
    BODY(blocks_are_what_was_asked_for),
    BODY(what_needs_more_than_a_slot_has_none),
    BODY(malloc_goes_on_with_other_ways),
    BODY(each_byte_behind_a_block_is_looked_at),
    BODY(a_null_byte_too_many_is_enough),
    BODY(the_free_tells_and_frees),
    BODY(the_next_block_is_not_reached_unseen),
    BODY(a_word_from_elsewhere_does_not_fit),
    BODY(a_write_before_a_block_is_found_when_slots_are_used),
    BODY(a_write_before_a_block_is_found_at_the_end),
    BODY(a_write_before_the_first_block_of_a_slab_is_found),
    BODY(a_block_of_no_bytes_is_inaccessible),
    BODY(a_block_is_freed_once_and_where_it_begins),
    BODY(one_of_several_threads_gets_it),
    BODY(of_a_block_that_was_overrun_no_size_is_compared),
    BODY(sizes_that_are_told_are_compared),
    BODY(a_block_is_resized_within_its_class),
    BODY(resizing_looks_behind_the_block),
    BODY(a_slot_waits_for_other_frees),
    BODY(so_it_does_after_many_frees),
    BODY(each_byte_of_a_freed_block_is_looked_at),
    BODY(a_write_is_found_when_the_slot_is_used_again),
    BODY(looking_on_demand_tells_too),
    BODY(memory_of_one_class_serves_no_other),
    BODY(the_order_of_slots_cannot_be_guessed),
    BODY(nor_can_the_place_of_the_first),
    BODY(memory_that_was_used_otherwise_is_zero),
    BODY(blocks_live_beside_each_other),
};

int main(void) {
    begin();
    return run_bodies(bodies);
}
