/* Bad arguments are errors, and leave everything unchanged. */
#include "map_test.h"

static struct mallow_map map;

static void arguments_without_meaning(void **state) {
    (void)state;
    struct mallow_map none = {0}, before;
    struct mallow_map_pages counts;
    struct mallow_map_shares sharing;
    char byte;
    int fd = make_unlinked(false, 10);
    memset(&map, 0x5a, sizeof map);
    before = map;
#define BAD(call)                                    \
    do {                                             \
        errno = 0;                                   \
        assert_int_equal(call, MALLOW_BAD_ARGUMENT); \
        assert_int_equal(errno, EINVAL);             \
    } while (0)
    BAD(mallow_map_memory(1, 0, NULL, NULL));
    BAD(mallow_map_memory(1, MALLOW_MAP_READ, NULL, &map));
    BAD(mallow_map_shared(1, 0, NULL, NULL, NULL));
    BAD(mallow_map_shared(1, MALLOW_MAP_SPARSE, NULL, &map, NULL));
    BAD(mallow_map_file(NULL, 0, 1, MALLOW_MAP_READ, &map));
    BAD(mallow_map_file("/dev/zero", 0, 1, MALLOW_MAP_READ, NULL));
    const unsigned bad_how[] = {0,
                                MALLOW_MAP_CREATE,
                                MALLOW_MAP_READ | MALLOW_MAP_WRITE,
                                MALLOW_MAP_READ | MALLOW_MAP_CREATE,
                                MALLOW_MAP_PRIVATE | MALLOW_MAP_SPARSE,
                                MALLOW_MAP_READ | MALLOW_MAP_HUGE,
                                MALLOW_MAP_WRITE | 0x1000,
                                MALLOW_MAP_WRITE | 0x80000000};
    for (size_t i = 0; i < sizeof bad_how / sizeof bad_how[0]; i++) {
        BAD(mallow_map_file("/dev/zero", 0, 1, bad_how[i], &map));
        BAD(mallow_map_descriptor(fd, 0, 1, bad_how[i], &map));
    }
    BAD(mallow_map_descriptor(fd, 0, 1, MALLOW_MAP_WRITE | MALLOW_MAP_CREATE, &map));
    BAD(mallow_map_descriptor(fd, 0, 1, MALLOW_MAP_READ, NULL));
    assert_memory_equal(&map, &before, sizeof map); /* unchanged */
    OK(mallow_map_end(NULL));
    const struct mallow_map *const ended[] = {NULL, &none};
    for (int i = 0; i < 2; i++) {
        BAD(mallow_map_resize((struct mallow_map *)ended[i], 1, MALLOW_MAP_MAY_MOVE));
        BAD(mallow_map_flush(ended[i], 0, 1, MALLOW_MAP_FLUSH_WAIT));
        BAD(mallow_map_advise(ended[i], 0, 1, MALLOW_MAP_NORMAL));
        BAD(mallow_map_protect(ended[i], 0, 1, MALLOW_MAP_CAN_READ));
        BAD(mallow_map_residency(ended[i], 0, 1, &counts, NULL, 0));
        BAD(mallow_map_sharing(ended[i], 0, 1, &sharing));
        BAD(mallow_map_read(ended[i], 0, &byte, 1));
        BAD(mallow_map_write(ended[i], 0, &byte, 1));
        BAD(mallow_map_try(ended[i], free, NULL));
    }
    OK(mallow_map_descriptor(fd, 0, 10, MALLOW_MAP_WRITE, &map));
    BAD(mallow_map_resize(&map, 1, (enum mallow_map_place)2));
    BAD(mallow_map_flush(&map, 0, 1, (enum mallow_map_flush_until)2));
    BAD(mallow_map_advise(&map, 0, 1, (enum mallow_map_advice)(MALLOW_MAP_DISCARD + 1)));
    BAD(mallow_map_protect(&map, 0, 1, 8));
    BAD(mallow_map_residency(&map, 0, 1, NULL, NULL, 0));
    BAD(mallow_map_sharing(&map, 0, 1, NULL));
    BAD(mallow_map_read(&map, 0, NULL, 1));
    BAD(mallow_map_write(&map, 0, NULL, 1));
    BAD(mallow_map_try(&map, NULL, NULL));
    OK(mallow_map_end(&map));
    close(fd);
}

static void ranges_outside(void **state) {
    (void)state;
    static const struct {
        size_t offset, bytes;
        const char *needed;
    } cases[] = {{10, 1, "11"},
                 {11, 0, "11"},
                 {0, 11, "11"},
                 {5, 6, "11"},
                 {12, MALLOW_MAP_ALL, NULL},
                 {SIZE_MAX, SIZE_MAX - 1, NULL}};
    struct mallow_map_pages counts;
    struct mallow_map_shares sharing;
    char bytes[20], text[200];
    OK(mallow_map_memory(10, 0, NULL, &map));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t offset = cases[i].offset, length = cases[i].bytes;
        snprintf(text, sizeof text,
                 "mallow_map_read: there is room for 10 bytes, and %s are needed",
                 cases[i].needed == NULL ? "18446744073709551615" : cases[i].needed);
        assert_int_equal(mallow_map_read(&map, offset, bytes, length), MALLOW_NO_ROOM);
        if (cases[i].needed != NULL || sizeof(size_t) == 8)
            assert_string_equal(mallow_error_text(MALLOW_NO_ROOM), text);
        assert_int_equal(errno, ERANGE);
        assert_int_equal(mallow_map_write(&map, offset, bytes, length), MALLOW_NO_ROOM);
        assert_int_equal(mallow_map_flush(&map, offset, length, MALLOW_MAP_FLUSH_WAIT),
                         MALLOW_NO_ROOM);
        assert_int_equal(mallow_map_advise(&map, offset, length, MALLOW_MAP_COLD), MALLOW_NO_ROOM);
        assert_int_equal(mallow_map_protect(&map, offset, length, MALLOW_MAP_CAN_READ),
                         MALLOW_NO_ROOM);
        assert_int_equal(mallow_map_residency(&map, offset, length, &counts, NULL, 0),
                         MALLOW_NO_ROOM);
        assert_int_equal(mallow_map_sharing(&map, offset, length, &sharing), MALLOW_NO_ROOM);
    }
    OK(mallow_map_end(&map));
}

static void lengths_that_no_object_has(void **state) {
    (void)state;
    int fd = make_unlinked(false, 10);
    const size_t lengths[] = {SIZE_MAX - 1, SIZE_MAX / 2 + 1};
    for (int i = 0; i < 2; i++) {
        size_t length = lengths[i];
        FAILS(mallow_map_memory(length, 0, NULL, &map), MALLOW_TOO_LARGE,
              "mallow_map_memory: the size exceeds what any object can have");
        assert_int_equal(errno, EOVERFLOW);
        assert_int_equal(mallow_map_shared(length, 0, NULL, &map, NULL), MALLOW_TOO_LARGE);
        assert_int_equal(mallow_map_descriptor(fd, 7, length, MALLOW_MAP_WRITE, &map),
                         MALLOW_TOO_LARGE);
        OK(mallow_map_descriptor(fd, 7, 1, MALLOW_MAP_WRITE, &map));
        assert_int_equal(mallow_map_resize(&map, length, MALLOW_MAP_MAY_MOVE), MALLOW_TOO_LARGE);
        OK(mallow_map_end(&map));
    }
    assert_int_equal(mallow_map_memory(SIZE_MAX, 0, NULL, &map), MALLOW_TOO_LARGE);
    const uint64_t offsets[] = {UINT64_MAX, INT64_MAX, INT64_MAX - 10};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mallow_map_descriptor(fd, offsets[i], 1, MALLOW_MAP_WRITE, &map),
                         MALLOW_TOO_LARGE);
        assert_int_equal(mallow_map_descriptor(fd, offsets[i], 1, MALLOW_MAP_READ, &map),
                         MALLOW_TOO_LARGE);
    }
    assert_int_equal(size_of(fd), 10);
    OK(mallow_map_descriptor(fd, INT64_MAX - (1 << 20), 1, MALLOW_MAP_READ, &map));
    assert_int_equal(mallow_map_resize(&map, 2 << 20, MALLOW_MAP_MAY_MOVE), MALLOW_TOO_LARGE);
    OK(mallow_map_end(&map));
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_without_meaning),
        cmocka_unit_test(ranges_outside),
        cmocka_unit_test(lengths_that_no_object_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
