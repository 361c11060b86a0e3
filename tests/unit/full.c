/* Blocks of check=full are filled, have records of their size and family, and can be freed once.
 * Their slots wait in quarantine. */
#include "full_blocks.h"

#include "check/quarantine.h"
#include "check/record.h"
#include "heap/heap_enter.h"
#include "os/os.h"
#include "os/os_thread.h"
#include "pattern.h"
#include "random.h"

static uint64_t seed = 1;

/* ---- blocks ---- */

static void check_block(size_t size, size_t align, enum family family, bool zero) {
    struct alloc_request request = {.size = size, .align = align, .family = family, .zero = zero};
    char *block = take_as(request, 4711);
    CHECK(block != NULL);
    CHECK_EQUAL((uintptr_t)block % max_size(align, UNIT), 0);
    CHECK(is_filled(block, size, zero ? 0 : FILL_FRESH));
    struct slot_ref ref = ref_around(block);
    struct block_info info;
    CHECK(full_is_known(&ref));
    full_info(&ref, &info);
    CHECK_EQUAL(info.life, LIFE_LIVE);
    CHECK(info.start == block && info.size == size && info.exact);
    CHECK_EQUAL(info.family, family);
    CHECK_EQUAL(info.align, align);
    CHECK_EQUAL(info.allocated, 4711);
    CHECK_EQUAL(info.allocated_by, os_thread_id());
    CHECK(info.freed == 0 && info.freed_by == 0);
    CHECK(block - ref.start >= ZONE_MIN);
    CHECK(ref.start + ref.bytes - (block + size) >= ZONE_MIN);
    struct free_request to_free = {.family = family, WITH_SIZE(size), WITH_ALIGN(align)};
    CHECK(give_as(block, to_free, 4712));
    full_info(&ref, &info);
    CHECK_EQUAL(info.life, LIFE_FREED);
    CHECK(info.start == block && info.size == size);
    CHECK_EQUAL(info.freed, 4712);
    CHECK_EQUAL(info.freed_by, os_thread_id());
    CHECK(is_filled(ref.start, ref.bytes, FILL_FREED));
    check_reported("");
}

static void blocks_are_as_requested(void) {
    for (size_t size = 1; size < 30000; size += 1 + size / 9)
        for (size_t align = 1; align <= 4096 && size + align < 30000; align *= 2)
            check_block(size, align, (enum family)(size % 3), (size + align) % 4 == 0);
}

static void memory_is_filled_with_the_chosen_byte(void) {
    settings.perturb = 0x11;
    char *block = take(1000);
    CHECK(is_filled(block, 1000, 0x11 ^ 0xff));
    give(block);
    CHECK(is_filled(block, 1000, 0x11));
    CHECK_EQUAL(damage_of(block), DAMAGE_NONE);
    block[10] = (char)FILL_FREED;
    CHECK_EQUAL(damage_of(block), DAMAGE_FREED);
}

/* A block in quarantine keeps the byte that it was filled with. */
static void a_new_fill_byte_is_no_damage(void) {
    static const uint8_t fills[] = {0, 17, 42, 0};
    char *block[4];
    for (int i = 0; i < 4; i++) block[i] = take(96);
    for (int i = 0; i < 4; i++) {
        settings.perturb = fills[i];
        give(block[i]);
    }
    for (int i = 0; i < 4; i++) {
        settings.perturb = fills[i];
        for (int other = 0; other < 4; other++) CHECK_EQUAL(damage_of(block[other]), DAMAGE_NONE);
    }
    block[1][95] = 42;
    CHECK_EQUAL(damage_of(block[1]), DAMAGE_FREED);
    block[1][95] = 17;
    empty_quarantine();
    check_reported("");
}

static void a_block_of_no_bytes_is_inaccessible(void) {
    static char *blocks[1000];
    for (int i = 0; i < 1000; i++) {
        struct block_info info;
        blocks[i] = take_as((struct alloc_request){.align = 1, .family = FAMILY_NEW}, 0);
        struct slot_ref ref = ref_around(blocks[i]);
        CHECK(blocks[i] != NULL && !os_is_readable(blocks[i]));
        full_info(&ref, &info);
        CHECK(info.life == LIFE_LIVE && info.start == blocks[i] && info.size == 0);
        CHECK(info.exact && info.allocated_by == os_thread_id() && info.family == FAMILY_NEW);
        CHECK_EQUAL(damage_of(blocks[i]), DAMAGE_NONE);
    }
    for (int i = 0; i < 1000; i++) {
        struct free_request request = {.family = FAMILY_NEW, WITH_SIZE(0)};
        CHECK(give_as(blocks[i], request, 0));
        CHECK_EQUAL(damage_of(blocks[i]), DAMAGE_NONE);
    }
    check_reported("");
    CHECK(!give_as(blocks[0], plain_free, 0));
    check_reported("double free of");
    empty_quarantine();
    check_reported("");
    CHECK(take_as((struct alloc_request){.align = 64}, 0) == NULL); /* guarded instead */
}

static void requests_beyond_slots_are_refused(void) {
    CHECK(take_as((struct alloc_request){.size = SLOT_MAX - 200, .align = 1}, 0) != NULL);
    for (size_t size = SLOT_MAX - ZONE_MIN; size < SLOT_MAX + 100; size++)
        CHECK(take_as((struct alloc_request){.size = size, .align = 1}, 0) == NULL);
    static const size_t sizes[] = {PTRDIFF_MAX, SIZE_MAX - 100, SIZE_MAX};
    for (int i = 0; i < 3; i++)
        CHECK(take_as((struct alloc_request){.size = sizes[i], .align = 1}, 0) == NULL);
    CHECK(take_as((struct alloc_request){.size = 10, .align = 2 * SLOT_MAX}, 0) == NULL);
    CHECK(take_as((struct alloc_request){.size = SLOT_MAX / 2, .align = SLOT_MAX}, 0) == NULL);
}

static void fresh_slots_come_at_random(void) {
    enum { COUNT = 100 };
    static uint32_t order[2][COUNT];
    int ascents = 0, same = 0;
    for (int i = 0; i < COUNT; i++) {
        for (int round = 0; round < 2; round++) {
            const char *block = take(round == 0 ? 300 : 1000);
            order[round][i] = ref_around(block).slot;
        }
        ascents += i > 0 && order[0][i] > order[0][i - 1];
        same += i > 0 && order[0][i] - order[0][i - 1] == order[1][i] - order[1][i - 1];
    }
    CHECK(ascents > COUNT / 5 && ascents < COUNT * 4 / 5);
    CHECK(same < COUNT / 4);
}

enum { WINDOW = 64 }; /* slots of one window are used up before those of the next */

/* The first and the last window of a slab may have fewer slots. */
static bool is_in_whole_window(const char *block) {
    struct slot_ref ref = ref_around(block);
    uint32_t first = ref.slot / WINDOW * WINDOW, unused = ref.slab->slots - ref.slab->capacity;
    return first >= unused && first + WINDOW <= ref.slab->slots;
}

static void few_blocks_touch_few_pages(void) {
    enum { COUNT = 48 }; /* of some 100 bytes each */
    uintptr_t lowest = UINTPTR_MAX, highest = 0;
    while (!is_in_whole_window(take(40))) continue;
    for (int i = 0; i < COUNT; i++) {
        uintptr_t block = (uintptr_t)take(40);
        lowest = block < lowest ? block : lowest;
        highest = block > highest ? block : highest;
    }
    CHECK(highest - lowest < WINDOW * 112);
}

/* ---- frees ---- */

static void a_block_is_freed_once(void) {
    char *block = take(100);
    give(block);
    check_reported("");
    CHECK(!give_as(block, plain_free, 0));
    check_reported("double free of");
    CHECK_EQUAL(damage_of(block), DAMAGE_NONE);
}

static void a_block_is_freed_only_at_its_start(void) {
    char *block = take(1000);
    static const ptrdiff_t others[] = {-16, -1, 1, 8, 16, 999, 1000, 1001};
    for (int i = 0; i < 8; i++) {
        CHECK(!give_as(block + others[i], plain_free, 0));
        check_reported("invalid free of");
    }
    CHECK_EQUAL(damage_of(block), DAMAGE_NONE);
    give(block);
    CHECK(!give_as(block + 8, plain_free, 0));
    check_reported("invalid free of");
    CHECK(!give_as(block, plain_free, 0));
    check_reported("double free of");
}

static void passed_sizes_and_families_are_compared(void) {
    char *block = take(100);
    CHECK(give_as(block, (struct free_request){WITH_SIZE(99)}, 0));
    check_reported("size is 100, freed with 99");
    block = take(100);
    struct free_request wrong = plain_free;
    wrong.family = FAMILY_NEW_ARRAY;
    CHECK(give_as(block, wrong, 0));
    check_reported("allocated by malloc, freed by delete[]");
    CHECK(!give_as(block, plain_free, 0));
    check_reported("double free of");
}

static void *free_all(void *unused) {
    struct heap *heap = heap_enter();
    for (int i = 0; i < SHARED; i++) {
        struct slot_ref ref = ref_around(shared[i]);
        meet(i);
        freed_blocks += full_free(heap, &ref, shared[i], &plain_free, 0);
    }
    heap_leave(heap);
    return unused;
}

static void one_of_several_threads_frees_a_block(void) {
    settings.check_action = 0; /* half of the frees are errors */
    check_race(take, free_all);
}

static void *take_one(void *unused) {
    (void)unused;
    return take(100);
}

static void any_thread_may_free_a_block(void) {
    char *block = run_in_thread(take_one, NULL);
    struct slot_ref ref = ref_around(block);
    struct block_info info;
    give(block);
    full_info(&ref, &info);
    CHECK(info.allocated_by != info.freed_by);
    CHECK_EQUAL(info.freed_by, os_thread_id());
    check_reported("");
}

/* ---- after the free ---- */

static void a_slot_waits_for_other_frees(void) {
    for (int i = 0; i < 2; i++) {
        settings.quarantine = i == 0 ? 0 : 100 * KIB;
        for (size_t size = 1; size < 4000; size = size * 2 + 1) {
            char *block = take(size);
            give(block);
            size_t frees = frees_until_reuse(take, give, block, size);
            if (frees < QUARANTINE_DELAY || frees == SIZE_MAX)
                check_failed("a slot of %zu bytes is used again after %zu frees\n", size, frees);
        }
    }
    check_reported("");
}

static void relief_empties_the_quarantine(void) {
    char *block = take(700);
    struct heap *heap = heap_enter();
    CHECK(!full_relieve(heap));
    heap_leave(heap);
    give(block);
    block[3] = 1;
    heap = heap_enter();
    CHECK(full_relieve(heap));
    CHECK(!full_relieve(heap));
    heap_leave(heap);
    check_reported(", found when it left quarantine");
    bool available = false;
    for (int i = 0; i < 200; i++) available |= take(700) == block;
    CHECK(available);
}

/* ---- all together ---- */

static void blocks_do_not_disturb_each_other(void) {
    enum { BLOCKS = 500, STEPS = 100000 };
    static struct {
        char *start;
        size_t size;
        uint64_t key;
    } blocks[BLOCKS];
    settings.quarantine = 256 * KIB;
    for (int i = 0; i < STEPS; i++) {
        size_t n = random_below(&seed, BLOCKS);
        if (blocks[n].start != NULL) {
            CHECK(pattern_holds(blocks[n].start, blocks[n].size, blocks[n].key));
            give(blocks[n].start);
            blocks[n].start = NULL;
            continue;
        }
        size_t size = 1 + random_below(&seed, (size_t)1 << random_below(&seed, 13));
        size_t align = (size_t)1 << random_below(&seed, 9);
        char *start = take_as((struct alloc_request){.size = size, .align = align}, 0);
        CHECK(start != NULL && (uintptr_t)start % align == 0 && is_filled(start, size, FILL_FRESH));
        blocks[n].start = start;
        blocks[n].size = size;
        blocks[n].key = pattern_key(start, size, (uint64_t)i);
        pattern_fill(start, size, blocks[n].key);
        CHECK_EQUAL(damage_of(start), DAMAGE_NONE);
    }
    empty_quarantine();
    check_reported("");
}

static struct body bodies[] = {
    BODY(blocks_are_as_requested),
    BODY(memory_is_filled_with_the_chosen_byte),
    BODY(a_new_fill_byte_is_no_damage),
    BODY(a_block_of_no_bytes_is_inaccessible),
    BODY(requests_beyond_slots_are_refused),
    BODY(fresh_slots_come_at_random),
    BODY(few_blocks_touch_few_pages),
    BODY(a_block_is_freed_once),
    BODY(a_block_is_freed_only_at_its_start),
    BODY(passed_sizes_and_families_are_compared),
    BODY(one_of_several_threads_frees_a_block),
    BODY(any_thread_may_free_a_block),
    BODY(a_slot_waits_for_other_frees),
    BODY(relief_empties_the_quarantine),
    BODY(blocks_do_not_disturb_each_other),
};

int main(void) {
    begin();
    return run_bodies(bodies);
}
