/* check=seal: small blocks end with a seal, freed slots wait, and everything that the program may
 * do still works. */
#include "threads.h"

#include "bodies.h"

#include <malloc.h>

#include "check/modes.h"
#include "check/seal.h"
#include "check/verify.h"
#include "heap/heap.h"
#include "heap/heap_enter.h"
#include "heap/magazine.h"
#include "heap/mode.h"
#include "heap/remote.h"
#include "heap/slab.h"
#include "heap/slot_location.h"
#include "mallow.h"
#include "pattern.h"
#include "process/options.h"
#include "process/options_change.h"
#include "random.h"

static void begin(const char *more) {
    char text[100];
    snprintf(text, sizeof text, "check=seal,on_error=report%s", more);
    setenv("MALLOW_OPTIONS", text, 1);
    options_read();
    CHECK_EQUAL(settings.check, CHECK_SEAL);
}

static char *take(size_t size) {
    char *block = mallow_malloc(size);
    CHECK(block != NULL);
    return block;
}

/* ---- damage ---- */

/* Each bit after what the program may use is looked at. */
static void each_bit_of_a_seal_counts(void) {
    begin("");
    for (size_t size = 1; size <= 1016; size += 1 + size / 20) {
        char *block = take(size);
        size_t usable = mallow_usable_size(block);
        CHECK(usable >= size);
        memset(block, 'x', usable);
        CHECK_EQUAL(verify_all("now"), 0);
        for (unsigned bit = 0; bit < 64; bit++) {
            block[usable + bit / 8] ^= (char)(1 << bit % 8);
            CHECK_EQUAL(verify_all("now"), 1);
            check_reported("heap overflow of");
            block[usable + bit / 8] ^= (char)(1 << bit % 8);
        }
        mallow_free(block);
        check_reported("");
    }
}

static void a_null_byte_is_found_by_free(void) {
    begin("");
    for (int i = 0; i < 2000; i++) {
        char *block = take(1 + (size_t)i % 1016);
        block[mallow_usable_size(block)] = 0;
        mallow_free(block);
        check_reported("found by free");
    }
}

static void a_copied_seal_is_found(void) {
    begin("");
    char *from = take(100), *to = take(100);
    size_t usable = mallow_usable_size(to);
    memcpy(to + usable, from + usable, 8);
    mallow_free(to);
    check_reported("heap overflow of");
    mallow_free(from);
    check_reported("");
}

static void *free_it(void *block) {
    mallow_free(block);
    return NULL;
}

static void another_thread_finds_an_overflow(void) {
    begin("");
    char *block = take(100);
    block[mallow_usable_size(block)] ^= 1;
    run_in_thread(free_it, block);
    check_reported("found by free");
    block = take(100);
    run_in_thread(free_it, block);
    check_reported("");
}

static void a_write_to_a_freed_block_is_found(void) {
    begin("");
    for (size_t size = 24; size < 30000; size = size * 3 / 2) {
        for (int at = 0; at < 16; at++) {
            char *block = take(size);
            mallow_free(block);
            block[at] = 'x';
            for (int i = 0; i < 65; i++) mallow_free(take(size));
            check_reported("found when it was about to be reused");
        }
    }
}

static void a_write_to_a_freed_block_is_found_at_the_end(void) {
    begin("");
    char *block = take(100);
    mallow_free(block);
    CHECK_EQUAL(verify_all("now"), 0);
    block[9] = 'x';
    CHECK_EQUAL(verify_all("now"), 1);
    check_reported("use after free of");
}

static void a_block_is_not_used_again_soon(void) {
    begin("");
    for (size_t size = 16; size <= 256; size *= 2) {
        char *block = take(size - 8);
        mallow_free(block);
        for (int i = 0; i < 63; i++) {
            char *other = take(size - 8);
            CHECK(other != block);
            mallow_free(other);
        }
        mallow_free(block);
        check_reported("double free of");
    }
}

static void a_write_to_a_fresh_slot_is_found_at_the_end(void) {
    begin("");
    char *block = take(100);
    struct slab *slab = slab_of(granule_of(block));
    struct slab *head = slab_head(slab);
    char *zero = slab_slot_zero(head);
    for (uint32_t slot = 0; slot < head->slots; slot++)
        if (slot_state_get(&head->state[slot]) == SLOT_FRESH) {
            zero[(size_t)slot * head->slot_size + 50] = 1;
            break;
        }
    CHECK_EQUAL(verify_all("now"), 1);
    check_reported("corrupted");
}

/* ---- what the program may do ---- */

static void all_of_the_usable_size_may_be_used(void) {
    static char *blocks[3000];
    begin("");
    for (int i = 0; i < 3000; i++) {
        blocks[i] = take((size_t)i);
        memset(blocks[i], i, mallow_usable_size(blocks[i]));
    }
    CHECK_EQUAL(verify_all("now"), 0);
    for (int i = 0; i < 3000; i++) mallow_free(blocks[i]);
    check_reported("");
}

/* Random calls of all functions, compared with patterns. */
static void run_random_calls(void) {
    static struct {
        char *start;
        size_t size;
        uint64_t key;
    } blocks[200];
    uint64_t seed = 1;
    for (int i = 0; i < 60000; i++) {
        size_t at = random_below(&seed, 200), size = 1 + random_below(&seed, 1500), align = 16;
        if (blocks[at].start != NULL)
            CHECK(pattern_holds(blocks[at].start, blocks[at].size, blocks[at].key));
        if (random_below(&seed, 50) == 0) size *= 100;
        switch (random_below(&seed, 5)) {
        case 0:
            mallow_free(blocks[at].start);
            blocks[at].start = mallow_malloc(size);
            break;
        case 1:
            mallow_free(blocks[at].start);
            blocks[at].start = mallow_calloc(size, 1);
            for (size_t k = 0; k < size; k++) CHECK_EQUAL(blocks[at].start[k], 0);
            break;
        case 2:
            mallow_free(blocks[at].start);
            align <<= random_below(&seed, 9);
            blocks[at].start = mallow_aligned_alloc(align, size);
            CHECK_EQUAL((uintptr_t)blocks[at].start % align, 0);
            break;
        case 3: {
            size_t kept = size < blocks[at].size ? size : blocks[at].size;
            char *before = blocks[at].start;
            uint64_t key = before == NULL ? 0 : blocks[at].key;
            if (before != NULL) pattern_fill(before, kept, key);
            blocks[at].start = mallow_realloc(before, size);
            if (before != NULL) CHECK(pattern_holds(blocks[at].start, kept, key));
            break;
        }
        default:
            if (blocks[at].start == NULL) continue;
            mallow_free(blocks[at].start);
            blocks[at].start = NULL;
            continue;
        }
        CHECK(blocks[at].start != NULL);
        blocks[at].size = size;
        blocks[at].key = pattern_key(blocks[at].start, size, (uint64_t)i);
        pattern_fill(blocks[at].start, size, blocks[at].key);
    }
    for (int i = 0; i < 200; i++) mallow_free(blocks[i].start);
    CHECK_EQUAL(verify_all("now"), 0);
    check_reported("");
}

static void all_functions_work(void) {
    begin("");
    run_random_calls();
}
static void all_functions_work_with_guards(void) {
    begin(",guard=50");
    run_random_calls();
}
static void all_functions_work_with_samples_and_counts(void) {
    begin(",sample=5000,stats=exit");
    run_random_calls();
}
static void all_functions_work_with_zero_on_free(void) {
    begin(",zero_on_free=on");
    run_random_calls();
}

static void a_wrong_size_is_found(void) {
    begin("");
    for (size_t size = 1; size <= 1500; size++) {
        mode_free_request(take(size), &(struct free_request){WITH_SIZE(size)});
        check_reported("");
        mode_free_request(take(size), &(struct free_request){WITH_SIZE(size * 2 + 16)});
        check_reported("size mismatch of");
    }
}

static void modes_change_while_blocks_live(void) {
    static char *blocks[1000];
    begin("");
    for (int i = 0; i < 1000; i++) blocks[i] = take((size_t)i % 300);
    for (int round = 0; round < 6; round++) {
        options_change_mode(MODE_COUNT, round % 2 == 0);
        for (int i = round; i < 1000; i += 3) {
            mallow_free(blocks[i]);
            blocks[i] = take((size_t)i % 400);
            memset(blocks[i], i, mallow_usable_size(blocks[i]));
        }
    }
    for (int i = 0; i < 1000; i++) mallow_free(blocks[i]);
    CHECK_EQUAL(verify_all("now"), 0);
    check_reported("");
}

/* A block that is older than the mode has no seal, and keeps its usable size. */
static void older_blocks_have_no_seal(void) {
    char *block = mallow_malloc(64);
    memset(block, 'x', 64);
    begin("");
    CHECK(mallow_usable_size(block) >= 64);
    block = mallow_realloc(block, 200);
    for (int i = 0; i < 64; i++) CHECK_EQUAL(block[i], 'x');
    mallow_free(block);
    check_reported("");
}

static void zero_on_free_clears_blocks_at_once(void) {
    begin(",zero_on_free=on");
    char *block = take(200);
    memset(block, 'x', 200);
    mallow_free(block);
    for (int i = 0; i < 200; i++) CHECK_EQUAL(block[i], 0);
}

static struct slab *slab_at(const char *block) { return slab_head(slab_of(granule_of(block))); }

static uint8_t state_of(const char *block) {
    return slot_state_get(slot_locate(slab_of(granule_of(block)), block).state);
}

static void waiting_slots_go_back_when_memory_is_short(void) {
    static char *blocks[SEAL_SLOTS];
    begin("");
    for (unsigned i = 0; i < SEAL_SLOTS; i++) blocks[i] = take(100);
    for (unsigned i = 0; i < SEAL_SLOTS; i++) mallow_free(blocks[i]);
    for (unsigned i = 0; i < SEAL_SLOTS; i++) CHECK_EQUAL(state_of(blocks[i]), SLOT_HELD);
    blocks[7][9] = 'x';
    struct heap *heap = heap_enter();
    CHECK(seal_mode.relieve(heap));
    CHECK(!seal_mode.relieve(heap));
    heap_leave(heap);
    check_reported("found when it was about to be reused");
    for (unsigned i = 0; i < SEAL_SLOTS; i++) CHECK_EQUAL(state_of(blocks[i]), SLOT_FREE);
    run_random_calls();
}

static void *make_heap(void *unused) {
    (void)unused;
    mallow_free(take(100));
    return self_heap;
}

/* Another heap takes the slab over, as if this one had had no thread for a while. */
static void give_slab_away(struct slab *slab, struct heap *to) {
    struct heap *heap = heap_enter();
    unsigned size_class = slab->size_class;
    magazine_flush(heap, size_class, magazine_count(heap, size_class));
    CHECK(heap_begin(to));
    slab_transfer(slab, heap, to);
    heap_end(to);
    heap_leave(heap);
}

static void a_slot_goes_back_to_the_new_owner_of_its_slab(void) {
    enum { BLOCKS = 3 * GRANULE / 100 };
    static char *blocks[BLOCKS];
    begin("");
    for (unsigned i = 0; i < BLOCKS; i++) blocks[i] = take(100);
    struct heap *other = run_in_thread(make_heap, NULL);
    struct slab *slab = slab_at(blocks[BLOCKS / 2]);
    CHECK(slab_at(blocks[BLOCKS - 1]) != slab);
    CHECK(other != self_heap);
    /* The first one leaves the queue, so the slab has a free slot. */
    for (unsigned i = 0, freed = 0; freed <= SEAL_SLOTS; i++) {
        CHECK(i < BLOCKS);
        if (slab_at(blocks[i]) != slab) continue;
        mallow_free(blocks[i]);
        freed++;
    }
    give_slab_away(slab, other);
    CHECK_EQUAL(magazine_count(self_heap, slab->size_class), 0);
    mallow_free(blocks[BLOCKS - 1]); /* the oldest one leaves the queue */
    CHECK_EQUAL(magazine_count(self_heap, slab->size_class), 0);
    CHECK(remote_pending(other));
    check_reported("");
}

static struct body bodies[] = {
    BODY(each_bit_of_a_seal_counts),
    BODY(a_null_byte_is_found_by_free),
    BODY(a_copied_seal_is_found),
    BODY(another_thread_finds_an_overflow),
    BODY(a_write_to_a_freed_block_is_found),
    BODY(a_write_to_a_freed_block_is_found_at_the_end),
    BODY(a_block_is_not_used_again_soon),
    BODY(a_write_to_a_fresh_slot_is_found_at_the_end),
    BODY(all_of_the_usable_size_may_be_used),
    BODY(all_functions_work),
    BODY(all_functions_work_with_guards),
    BODY(all_functions_work_with_samples_and_counts),
    BODY(all_functions_work_with_zero_on_free),
    BODY(zero_on_free_clears_blocks_at_once),
    BODY(a_wrong_size_is_found),
    BODY(modes_change_while_blocks_live),
    BODY(older_blocks_have_no_seal),
    BODY(waiting_slots_go_back_when_memory_is_short),
    BODY(a_slot_goes_back_to_the_new_owner_of_its_slab),
};

int main(void) { return run_bodies(bodies); }
