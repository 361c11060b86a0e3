/* With check=hard a write of any byte outside a block, or to a freed one, is found. */
#include "hard_blocks.h"

#include "check/hard_ring.h"
#include "check/hard_seal.h"
#include "check/hard_verify.h"
#include "check/verify.h"

/* ---- overflows ---- */

/* Checks that a change of any bit from the end of the block to the end of its slot is found. */
static void check_each_bit_after(size_t size) {
    char *block = take(size);
    struct slot_ref ref = ref_of_live(block);
    for (char *at = block + size; at < ref.start + ref.bytes; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            *at ^= (char)(1 << bit);
            if (!hard_is_damaged(&ref)) check_failed("%zu bytes, at %td\n", size, at - block);
            *at ^= (char)(1 << bit);
        }
    }
    CHECK(!hard_is_damaged(&ref));
    give(block);
    check_reported("");
}

static void each_byte_after_a_block_is_checked(void) {
    for (size_t size = 1; size < 300; size++) check_each_bit_after(size);
    for (size_t size = 300; size < LARGEST; size += size / 4) check_each_bit_after(size);
}

static void a_single_null_byte_is_found(void) {
    for (size_t size = 1; size < 2000; size++) {
        char *block = take(size);
        struct slot_ref ref = ref_of_live(block);
        block[size] = 0;
        CHECK(hard_is_damaged(&ref));
        give(block);
        check_reported("heap overflow of");
    }
}

static void free_reports_damage_and_frees(void) {
    for (size_t size = 1; size < 1000; size = size * 3 / 2 + 1) {
        char *block = take(size), expected[100];
        block[size] ^= 0x55;
        struct slot_ref ref = ref_of_live(block);
        snprintf(expected, sizeof expected, "heap overflow of %p (", (void *)(block + size));
        give(block);
        const char *text = reported();
        CHECK(strstr(text, expected) != NULL);
        CHECK(strstr(text, "heap overflow of") != NULL);
        CHECK(strstr(text, ", found by free\n") != NULL);
        CHECK(is_zero(ref.start, ref.bytes));
        CHECK(!hard_free(block));
    }
}

static void an_overflow_up_to_the_next_block_is_found(void) {
    char *block = take(40);
    struct slot_ref ref = ref_of_live(block);
    memset(block, 'x', ref.bytes);
    give(block);
    check_reported("heap overflow of");
}

static void a_word_of_another_block_does_not_fit(void) {
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

/* Writes one byte before each of COUNT blocks. COUNT reports must follow, whatever lies there. */
static void check_writes_before(size_t size, ptrdiff_t offset, bool used_again) {
    enum { COUNT = 100, MORE = 1500 };
    static char *blocks[COUNT + MORE];
    for (int i = 0; i < COUNT; i++) blocks[i] = take(size);
    for (int i = 0; i < COUNT; i++) blocks[i][-offset] ^= 0x55;
    for (int i = COUNT; used_again && i < COUNT + MORE; i++) blocks[i] = take(size);
    for (int i = 0; used_again && i < COUNT + MORE; i++) give(blocks[i]);
    verify_all("found by the test");
    size_t found = count_occurrences(reported(), "mallow: ");
    if (found != COUNT) check_failed("%zu bytes, at -%td: %zu found\n", size, offset, found);
}

/* Each offset has a process of its own, so that its slots are fresh. */
static void check_in_fresh_slots(size_t size, bool used_again) {
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
    check_in_fresh_slots(48, true);
    check_in_fresh_slots(56, true);
    check_in_fresh_slots(248, true);
}

/* The byte may be in a slot that was never used. */
static void a_write_before_a_block_is_found_by_verify_all(void) {
    check_in_fresh_slots(24, false);
    check_in_fresh_slots(240, false);
}

/* No slot precedes the first block. */
static void a_write_before_the_first_block_of_a_slab_is_found(void) {
    enum { SIZE = 100, COUNT = 4096 };
    for (int i = 0; i < COUNT; i++) {
        struct slot_ref ref = ref_of_live(take(SIZE));
        if (ref.slot != ref.slab->slots - ref.slab->capacity) continue;
        ref.start[-1] = 1;
        verify_all("found by the test");
        CHECK(strstr(reported(), "heap underflow of") != NULL);
        verify_all("found by the test");
        check_reported("");
        return;
    }
    CHECK(false);
}

/* ---- after the free ---- */

static void each_byte_of_a_freed_block_is_checked(void) {
    for (size_t size = 1; size < 3000; size = size * 2 + 7) {
        char *block = take(size);
        struct slot_ref ref = ref_of_live(block);
        give(block);
        for (char *at = ref.start; at < ref.start + ref.bytes; at++) {
            *at = 1;
            CHECK(hard_is_damaged(&ref));
            *at = 0;
        }
        CHECK(!hard_is_damaged(&ref));
    }
}

/* Writes to the first byte, where other allocators keep a pointer, and to the last one. */
static void a_write_is_found_when_the_slot_is_used_again(void) {
    for (size_t size = 8; size < LARGEST; size = size * 3 + 5) {
        for (int end = 0; end < 2; end++) {
            char *block = take(size), expected[100];
            struct slot_ref ref = ref_of_live(block);
            char *at = end ? ref.start + ref.bytes - 1 : block;
            give(block);
            *at = 1;
            snprintf(expected, sizeof expected, "use after free of %p (", (void *)at);
            CHECK(frees_until_reuse(take, give, block, size) >= delay_of(ref.bytes));
            const char *text = reported();
            CHECK(strstr(text, expected) != NULL);
            CHECK(strstr(text, ", found when it was about to be reused\n") != NULL);
            CHECK(strstr(text, "stops the program at the access itself\n") != NULL);
            CHECK(is_zero(block, size) && !is_damaged(block));
            give(block);
        }
    }
    check_reported("");
}

/* ---- checks of a live block ---- */

static void resizing_finds_an_overflow(void) {
    char *block = take(100);
    struct slot_ref ref = ref_of_live(block);
    block[100] = 0;
    CHECK(hard_resize(&ref, 101));
    check_reported(", found by realloc");
    give(block);
    check_reported("");
}

static void verifying_a_block_reports_damage(void) {
    char *block = take(100);
    struct slot_ref ref = ref_of_live(block);
    CHECK(!hard_verify(&ref, "found by the test"));
    block[100] ^= 1;
    CHECK(hard_verify(&ref, "found by the test"));
    check_reported(", found by the test\n");
    block[100] ^= 1;
    give(block);
    CHECK(!hard_verify(&ref, "found by the test"));
    check_reported("");
    block[50] = 1;
    CHECK(hard_verify(&ref, "found by the test"));
    check_reported("use after free of");
}

static struct body bodies[] = {
    BODY(each_byte_after_a_block_is_checked),
    BODY(a_single_null_byte_is_found),
    BODY(free_reports_damage_and_frees),
    BODY(an_overflow_up_to_the_next_block_is_found),
    BODY(a_word_of_another_block_does_not_fit),
    BODY(a_write_before_a_block_is_found_when_slots_are_used),
    BODY(a_write_before_a_block_is_found_by_verify_all),
    BODY(a_write_before_the_first_block_of_a_slab_is_found),
    BODY(resizing_finds_an_overflow),
    BODY(each_byte_of_a_freed_block_is_checked),
    BODY(a_write_is_found_when_the_slot_is_used_again),
    BODY(verifying_a_block_reports_damage),
};

int main(void) {
    begin();
    return run_bodies(bodies);
}
