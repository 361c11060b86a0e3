/* Blocks of check=hard have the requested size, are zeroed, are resized within their class, and lie
 * at random places. */
#include "threads.h"

#include "hard_blocks.h"

#include "check/hard_ring.h"
#include "check/hard_seal.h"
#include "check/hard_verify.h"
#include "check/modes.h"
#include "check/verify.h"
#include "heap/alloc.h"
#include "heap/heap_enter.h"
#include "heap/size_class.h"
#include "os/os.h"
#include "pattern.h"
#include "random.h"

/* ---- blocks ---- */

static void check_block(size_t size, size_t align) {
    char *block = hard_alloc(size, align);
    CHECK(block != NULL && (uintptr_t)block % max_size(align, UNIT) == 0);
    CHECK(is_zero(block, size));
    struct slot_ref ref = ref_of_live(block);
    CHECK(ref.bytes >= size + HARD_TAIL);
    CHECK_EQUAL(hard_size(&ref), size);
    struct block_info info;
    CHECK(hard_is_known(&ref));
    hard_info(&ref, &info);
    CHECK(info.life == LIFE_LIVE && info.start == block && info.exact && info.size == size);
    memset(block, 1, size);
    CHECK_EQUAL(hard_size(&ref), size);
    give(block);
    CHECK(is_zero(ref.start, ref.bytes));
    CHECK(hard_is_known(&ref) && !hard_find(block, &ref));
    hard_info(&ref, &info);
    CHECK(info.life == LIFE_FREED && info.start == block && !info.exact);
    check_reported("");
}

static void blocks_are_as_requested(void) {
    for (size_t size = 1; size <= LARGEST; size += 1 + size / 50) check_block(size, 1);
    check_block(LARGEST, 1);
    for (size_t align = 2; align <= RUN_PAGE; align *= 2)
        for (size_t size = 1; size + align + HARD_TAIL <= SLOT_MAX; size += 1 + size / 3)
            check_block(size, align);
}

static void requests_beyond_slots_are_refused(void) {
    static const size_t sizes[] = {LARGEST + 1, SLOT_MAX, SLOT_MAX + 1, PTRDIFF_MAX, SIZE_MAX};
    for (int i = 0; i < 5; i++) CHECK(hard_alloc(sizes[i], 1) == NULL);
    CHECK(hard_alloc(1, 2 * RUN_PAGE) == NULL);
}

static void malloc_falls_back_to_other_blocks(void) {
    for (size_t size = 1; size < 4 * SLOT_MAX; size = size * 2 + 1) {
        char *block = hard_mode.malloc(size, heap_no_entries);
        struct block_info info;
        CHECK(block != NULL && is_zero(block, size));
        CHECK(block_info_of(block, &info) && info.life == LIFE_LIVE && info.size == size);
    }
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
    CHECK(hard_alloc(0, 64) == NULL); /* a guarded block is used instead */
    verify_all("looked at");
    check_reported("");
}

/* ---- another size ---- */

static void resize(char *block, size_t before, size_t size) {
    struct slot_ref ref = ref_of_live(block);
    pattern_fill(block, before, 17);
    if (hard_resize(&ref, size)) {
        CHECK(pattern_holds(block, min_size(before, size), 17));
        if (size > before) CHECK(is_zero(block + before, size - before));
        CHECK(!hard_is_damaged(&ref));
        CHECK_EQUAL(hard_size(&ref), size);
        CHECK(size_class_of(size + HARD_TAIL) == ref.slab->size_class);
        if (size + HARD_TAIL < ref.bytes) {
            block[size] ^= 1;
            CHECK(hard_is_damaged(&ref));
            block[size] ^= 1;
        }
    } else {
        CHECK(pattern_holds(block, before, 17));
        CHECK_EQUAL(hard_size(&ref), before);
        CHECK(size_class_of(size + HARD_TAIL) != ref.slab->size_class);
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

/* ---- where slots are ---- */

static void memory_of_one_class_serves_no_other(void) {
    enum { COUNT = 400 };
    static char *blocks[COUNT];
    static uint8_t class_of_granule[1 << 16];
    for (int round = 0; round < 2; round++) {
        for (unsigned size_class = 2; size_class < CLASSES; size_class++) {
            for (int i = 0; i < COUNT; i++) {
                blocks[i] = take(size_class_bytes(size_class) - HARD_TAIL);
                size_t granule = granule_of(blocks[i]);
                CHECK(granule < sizeof class_of_granule);
                CHECK(class_of_granule[granule] == 0 || class_of_granule[granule] == size_class);
                class_of_granule[granule] = (uint8_t)size_class;
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

/* The first block may be anywhere in its slab. */
static void the_place_of_the_first_slot_cannot_be_guessed(void) {
    enum { CHILDREN = 20, FIRST = 100 };
    int first = 0;
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = start_child();
        if (child == 0) {
            struct slot_ref ref = ref_of_live(take(24));
            CHECK(ref.slab->slots > 10 * FIRST);
            _exit(ref.slot < FIRST);
        }
        int status;
        CHECK_EQUAL(waitpid(child, &status, 0), child);
        CHECK(WIFEXITED(status));
        first += WEXITSTATUS(status);
    }
    CHECK(first < CHILDREN / 2);
}

/* The memory was used before the mode was chosen, or by a block too large for slots. */
static void reused_memory_is_zeroed(void) {
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

static void *use_blocks(void *argument) {
    struct {
        char *start;
        size_t size;
        uint64_t key;
    } blocks[BLOCKS] = {{NULL, 0, 0}};
    uint64_t random = (uintptr_t)argument;
    for (int i = 0; i < STEPS; i++) {
        size_t n = random_below(&random, BLOCKS);
        if (blocks[n].start != NULL) {
            struct slot_ref ref = ref_of_live(blocks[n].start);
            CHECK_EQUAL(hard_size(&ref), blocks[n].size);
            CHECK(pattern_holds(blocks[n].start, blocks[n].size, blocks[n].key));
            give(blocks[n].start);
            blocks[n].start = NULL;
            continue;
        }
        size_t size = 1 + random_below(&random, (size_t)1 << random_below(&random, 13));
        char *start = hard_mode.malloc(size, heap_no_entries);
        CHECK(start != NULL && is_zero(start, size));
        blocks[n].start = start;
        blocks[n].size = size;
        blocks[n].key = pattern_key(start, size, (uint64_t)i);
        pattern_fill(start, size, blocks[n].key);
    }
    return NULL;
}

static void threads_do_not_disturb_each_other(void) {
    pthread_t threads[3];
    for (uintptr_t i = 0; i < 3; i++) threads[i] = start_thread(use_blocks, (void *)(i + 1));
    for (int i = 0; i < 3; i++) join_thread(threads[i]);
    check_reported("");
}

static struct body bodies[] = {
    BODY(blocks_are_as_requested),
    BODY(requests_beyond_slots_are_refused),
    BODY(malloc_falls_back_to_other_blocks),
    BODY(a_block_of_no_bytes_is_inaccessible),
    BODY(a_block_is_resized_within_its_class),
    BODY(memory_of_one_class_serves_no_other),
    BODY(the_order_of_slots_cannot_be_guessed),
    BODY(the_place_of_the_first_slot_cannot_be_guessed),
    BODY(reused_memory_is_zeroed),
    BODY(threads_do_not_disturb_each_other),
};

int main(void) {
    begin();
    return run_bodies(bodies);
}
