/* A change of any byte in a redzone is found, and its words cannot be copied or predicted. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/layout.h"
#include "check/redzone.h"
#include "random.h"

enum { PLACES = 4096, LONGEST = 200, VALUE = 0xd5 };

static uint64_t seed = 1;
static char *memory; /* aligned as blocks are */

static int choose(void **state) {
    (void)state;
    redzone_choose_secret();
    memory = aligned_alloc(CACHE_LINE, PLACES);
    return memory == NULL ? -1 : 0;
}

typedef const char *(*finder)(const char *start, size_t bytes);

static const char *find_fill(const char *start, size_t bytes) {
    return redzone_find_fill_damage(start, bytes, VALUE);
}

static void lay_redzone(char *start, size_t bytes) { redzone_fill(start, bytes); }
static void lay_fill(char *start, size_t bytes) { memset(start, VALUE, bytes); }

/* Checks that a change of each byte is found at every offset of every length, and that the bytes on
 * either side are left alone. */
static void check_each_byte(void (*lay)(char *, size_t), finder find) {
    for (size_t bytes = 0; bytes <= LONGEST; bytes++) {
        char *start = memory + UNIT + bytes % UNIT;
        memset(memory, 0x5a, PLACES);
        lay(start, bytes);
        assert_int_equal((uint8_t)start[-1], 0x5a);
        assert_int_equal((uint8_t)start[bytes], 0x5a);
        assert_null(find(start, bytes));
        for (size_t at = 0; at < bytes; at++) {
            char flipped = (char)(1 << (at + bytes) % 8);
            start[at] ^= flipped;
            assert_ptr_equal(find(start, bytes), start + at);
            start[at] ^= flipped;
        }
        assert_null(find(start, bytes));
    }
}

static void each_byte_of_a_redzone_is_checked(void **state) {
    (void)state;
    check_each_byte(lay_redzone, redzone_find_damage);
}

static void each_byte_of_free_memory_is_checked(void **state) {
    (void)state;
    check_each_byte(lay_fill, find_fill);
}

static void the_first_of_several_changes_is_found(void **state) {
    (void)state;
    char whole[LONGEST];
    for (int i = 0; i < 5000; i++) {
        size_t bytes = 1 + random_below(&seed, LONGEST), first = 0;
        redzone_fill(memory, bytes);
        memcpy(whole, memory, bytes);
        for (int k = 0; k < 4; k++)
            memory[random_below(&seed, bytes)] ^= (char)(1 + random_below(&seed, UINT8_MAX));
        while (first < bytes && memory[first] == whole[first]) first++;
        assert_ptr_equal(redzone_find_damage(memory, bytes), first < bytes ? memory + first : NULL);
    }
}

static uint64_t word_at(char *place) {
    uint64_t word;
    redzone_fill(place, sizeof word);
    memcpy(&word, place, sizeof word);
    return word;
}

/* One null byte too many is the most frequent overflow. */
static void no_byte_is_null(void **state) {
    (void)state;
    for (int i = 0; i < 20; i++) {
        redzone_choose_secret();
        for (size_t at = 0; at + LONGEST <= PLACES; at += LONGEST) {
            redzone_fill(memory + at, LONGEST);
            assert_null(memchr(memory + at, 0, LONGEST));
        }
    }
}

static void a_word_from_another_place_does_not_fit(void **state) {
    (void)state;
    for (size_t from = 0; from < PLACES; from += UNIT) redzone_fill(memory + from, UNIT);
    for (size_t to = 0; to < PLACES; to += UNIT) {
        for (size_t from = 0; from < PLACES; from += UNIT) {
            if (from == to) continue;
            memcpy(memory + to, memory + from, UNIT);
            assert_non_null(redzone_find_damage(memory + to, UNIT));
        }
        redzone_fill(memory + to, UNIT);
        assert_null(redzone_find_damage(memory + to, UNIT));
    }
}

/* A word cannot be predicted from the differences between other words, nor from the earlier word at
 * the same place. */
static void a_word_does_not_predict_the_next(void **state) {
    (void)state;
    enum { COUNT = 64 };
    uint64_t words[COUNT];
    int same_sum = 0, same_xor = 0, same_again = 0;
    for (int i = 0; i < COUNT; i++) words[i] = word_at(memory + i * (int)UNIT);
    for (int i = 2; i < COUNT; i++) {
        same_sum += words[i] - words[i - 1] == words[1] - words[0];
        same_xor += (words[i] ^ words[i - 1]) == (words[1] ^ words[0]);
    }
    redzone_choose_secret();
    for (int i = 0; i < COUNT; i++) same_again += word_at(memory + i * (int)UNIT) == words[i];
    assert_true(same_sum < 8);
    assert_true(same_xor < 8);
    assert_int_equal(same_again, 0);
}

/* The addresses of pages of one mapping differ only in high bits. */
static void distant_places_have_different_words(void **state) {
    (void)state;
    uint64_t words[40];
    for (unsigned i = 0; i < 40; i++) {
        words[i] = redzone_key((void *)((uintptr_t)1 << 46 | (uintptr_t)1 << (4 + i % 40)));
        for (unsigned k = 0; k < i; k++) assert_true(words[i] != words[k]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_byte_of_a_redzone_is_checked),
        cmocka_unit_test(each_byte_of_free_memory_is_checked),
        cmocka_unit_test(the_first_of_several_changes_is_found),
        cmocka_unit_test(no_byte_is_null),
        cmocka_unit_test(a_word_from_another_place_does_not_fit),
        cmocka_unit_test(a_word_does_not_predict_the_next),
        cmocka_unit_test(distant_places_have_different_words),
    };
    return cmocka_run_group_tests(tests, choose, NULL);
}
