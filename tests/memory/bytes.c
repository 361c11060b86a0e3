/* The byte functions have the same results as those of <string.h>, but return an error if they
 * would exceed their room. With the argument "blocks", Mallow must be the malloc of the process,
 * and the end of a block is also a limit. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mallow/bytes.h"

enum { SIZE = 96, ROUNDS = 20000 };

static unsigned char buffer[SIZE], expected[SIZE], source[SIZE];

static unsigned below(unsigned limit) { return (unsigned)rand() % limit; }

static void shuffle(unsigned char *bytes) {
    for (int i = 0; i < SIZE; i++) bytes[i] = (unsigned char)('a' + below(3));
}

static void begin_round(void) {
    shuffle(buffer);
    shuffle(source);
    memcpy(expected, buffer, SIZE);
    errno = 4711;
}

/* Checks the result of a function that writes `bytes` bytes to an object of `room` bytes. */
static void check_result(enum mallow_result result, size_t bytes, size_t room) {
    assert_int_equal(result, bytes <= room ? MALLOW_OK : MALLOW_NO_ROOM);
    assert_int_equal(errno, bytes <= room ? 4711 : ERANGE);
    if (bytes <= room) return;
    struct mallow_error error = mallow_last_error();
    assert_true(error.wanted == bytes && error.maximum == room);
}

static void writing_stays_within_the_room(void **state) {
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        size_t at = below(SIZE), bytes = below(SIZE - (unsigned)at + 1), room = below(SIZE);
        bool fits = bytes <= room;
        begin_round();
        switch (round % 4) {
        case 0:
            if (fits) memcpy(expected + at, source, bytes);
            check_result(mallow_copy(buffer + at, room, source, bytes), bytes, room);
            break;
        case 1:
            if (fits) memset(expected + at, 'x', bytes);
            check_result(mallow_fill(buffer + at, room, 'x', bytes), bytes, room);
            break;
        case 2:
            if (fits) memset(expected + at, 0, bytes);
            check_result(mallow_wipe(buffer + at, room, bytes), bytes, room);
            break;
        default:
            if (fits) memmove(expected + at, expected, bytes);
            check_result(mallow_move(buffer + at, room, buffer, bytes), bytes, room);
        }
        assert_memory_equal(buffer, expected, SIZE);
    }
}

static void copies_until_a_byte_need_room_for_what_is_copied(void **state) {
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        size_t bytes = below(SIZE + 1), room = below(SIZE + 1), copied = 4711;
        begin_round();
        const void *end = memccpy(expected, source, 'b', bytes);
        size_t wanted = end == NULL ? bytes : (size_t)((const unsigned char *)end - expected);
        if (wanted > room) memcpy(expected, buffer, SIZE);
        enum mallow_result result = mallow_copy_until(buffer, room, source, bytes, 'b', &copied);
        if (wanted <= room && end == NULL)
            assert_int_equal(result, MALLOW_NOT_FOUND);
        else
            check_result(result, wanted, room);
        assert_int_equal(copied, wanted <= room ? wanted : 4711);
        assert_memory_equal(buffer, expected, SIZE);
    }
}

static void appending_advances(void **state) {
    (void)state;
    char text[8] = "";
    void *at = text;
    size_t room = sizeof text;
    assert_int_equal(mallow_append(&at, &room, "abc", 3), MALLOW_OK);
    assert_int_equal(mallow_append(&at, &room, NULL, 0), MALLOW_OK);
    assert_int_equal(mallow_append(&at, &room, "defgh", 6), MALLOW_NO_ROOM);
    assert_true(at == text + 3 && room == 5);
    assert_int_equal(mallow_append(&at, &room, "defg", 5), MALLOW_OK);
    assert_true(at == text + 8 && room == 0);
    assert_string_equal(text, "abcdefg");
}

static size_t index_found = 4711;

static void check_index(enum mallow_result result, const void *found) {
    if (found == NULL) {
        assert_int_equal(result, MALLOW_NOT_FOUND);
        assert_int_equal(index_found, 4711);
    } else {
        assert_int_equal(result, MALLOW_OK);
        assert_ptr_equal(buffer + index_found, found);
    }
    assert_int_equal(errno, 4711);
    index_found = 4711;
}

static void finding_agrees_with_libc(void **state) {
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        size_t bytes = below(6), block = below(4);
        begin_round();
        check_index(mallow_find(buffer, SIZE, bytes, 'b', &index_found),
                    memchr(buffer, 'b', bytes));
        check_index(mallow_find_last(buffer, SIZE, bytes, 'b', &index_found),
                    memrchr(buffer, 'b', bytes));
        check_index(mallow_find_block(buffer, SIZE, bytes, source, block, &index_found),
                    memmem(buffer, bytes, source, block));
        int order, libc = memcmp(buffer, source, bytes);
        assert_int_equal(mallow_compare(buffer, source, SIZE, bytes, &order), MALLOW_OK);
        assert_int_equal(order, (libc > 0) - (libc < 0));
        assert_int_equal(mallow_equal(buffer, source, bytes), libc == 0);
    }
}

static void null_and_overlap_are_refused(void **state) {
    (void)state;
    size_t index = 4711, room = 5;
    void *none = NULL;
    int order;
    assert_int_equal(mallow_copy(NULL, 5, source, 5), MALLOW_BAD_ARGUMENT);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(mallow_copy(buffer, 5, NULL, 5), MALLOW_BAD_ARGUMENT);
    assert_int_equal(mallow_copy(buffer, 5, buffer + 4, 5), MALLOW_BAD_ARGUMENT);
    assert_int_equal(mallow_copy(buffer, 5, buffer + 5, 5), MALLOW_OK);
    assert_int_equal(mallow_move(NULL, 5, source, 1), MALLOW_BAD_ARGUMENT);
    assert_int_equal(mallow_fill(NULL, 5, 0, 5), MALLOW_BAD_ARGUMENT);
    assert_int_equal(mallow_wipe(NULL, 5, 5), MALLOW_BAD_ARGUMENT);
    assert_int_equal(mallow_append(NULL, &room, source, 1), MALLOW_BAD_ARGUMENT);
    assert_int_equal(mallow_append(&none, &room, source, 1), MALLOW_BAD_ARGUMENT);
    assert_int_equal(mallow_copy_until(buffer, 5, source, 1, 0, NULL), MALLOW_BAD_ARGUMENT);
    assert_int_equal(mallow_find(NULL, 5, 5, 0, &index), MALLOW_BAD_ARGUMENT);
    assert_int_equal(mallow_find(buffer, 5, 5, 0, NULL), MALLOW_BAD_ARGUMENT);
    assert_int_equal(mallow_find(buffer, 5, 6, 0, &index), MALLOW_NO_ROOM);
    assert_int_equal(mallow_find_last(buffer, 5, 6, 0, &index), MALLOW_NO_ROOM);
    assert_int_equal(mallow_find_block(buffer, 5, 6, source, 1, &index), MALLOW_NO_ROOM);
    assert_int_equal(mallow_find_block(buffer, 5, 5, NULL, 1, &index), MALLOW_BAD_ARGUMENT);
    assert_int_equal(mallow_compare(buffer, NULL, 5, 5, &order), MALLOW_BAD_ARGUMENT);
    assert_int_equal(mallow_compare(buffer, source, 5, 6, &order), MALLOW_NO_ROOM);
    assert_int_equal(index, 4711);
    assert_false(mallow_equal(buffer, NULL, 1));
    assert_true(mallow_equal(NULL, NULL, 0));
}

static void no_bytes_need_no_pointer(void **state) {
    (void)state;
    size_t index;
    errno = 4711;
    assert_int_equal(mallow_copy(NULL, 0, NULL, 0), MALLOW_OK);
    assert_int_equal(mallow_move(NULL, 0, NULL, 0), MALLOW_OK);
    assert_int_equal(mallow_fill(NULL, 0, 0, 0), MALLOW_OK);
    assert_int_equal(mallow_find(NULL, 0, 0, 0, &index), MALLOW_NOT_FOUND);
    assert_int_equal(mallow_find_block(NULL, 0, 0, NULL, 0, &index), MALLOW_OK);
    assert_int_equal(index, 0);
    assert_int_equal(errno, 4711);
}

static void the_end_of_a_block_is_a_limit(void **state) {
    (void)state;
    char *block = malloc(20);
    assert_non_null(block);
    assert_int_equal(mallow_fill(block, SIZE_MAX, 'x', 20), MALLOW_OK);
    assert_int_equal(mallow_fill(block, SIZE_MAX, 'x', 100), MALLOW_NO_ROOM);
    assert_int_equal(mallow_fill(block + 16, SIZE_MAX, 'x', 32), MALLOW_NO_ROOM);
    assert_int_equal(mallow_copy(buffer, SIZE, block, 80), MALLOW_NO_ROOM);
    assert_int_equal(mallow_last_error().wanted, 80);
    free(block);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writing_stays_within_the_room),
        cmocka_unit_test(copies_until_a_byte_need_room_for_what_is_copied),
        cmocka_unit_test(appending_advances),
        cmocka_unit_test(finding_agrees_with_libc),
        cmocka_unit_test(null_and_overlap_are_refused),
        cmocka_unit_test(no_bytes_need_no_pointer),
    };
    const struct CMUnitTest with_blocks[] = {cmocka_unit_test(the_end_of_a_block_is_a_limit)};
    if (argc == 2 && strcmp(argv[1], "blocks") == 0)
        return cmocka_run_group_tests(with_blocks, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
