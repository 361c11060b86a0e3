/* Residency and sharing, compared with mincore(2) and /proc/self/smaps. */
#include "map_test.h"

#include <pthread.h>

static size_t page;

static int measure(void **state) {
    (void)state;
    page = kernel_page();
    return 0;
}

/* ---- residency ---- */

static void check_residency(const struct mallow_map *map, size_t offset, size_t bytes) {
    struct mallow_map_pages counts;
    unsigned char bitmap[8], pages[64];
    char *low = (char *)((uintptr_t)((char *)map->data + offset) / page * page);
    char *high = (char *)map->data + offset + bytes;
    size_t count = bytes == 0 ? 0 : ((size_t)(high - low) + page - 1) / page, resident = 0;
    memset(bitmap, 0xff, sizeof bitmap);
    assert_int_equal(mincore(low, count * page, pages), 0);
    OK(mallow_map_residency(map, offset, bytes, &counts, bitmap, (count + 7) / 8));
    for (size_t i = 0; i < count; i++) {
        resident += pages[i] & 1;
        assert_int_equal(bitmap[i / 8] >> i % 8 & 1, pages[i] & 1);
    }
    for (size_t i = count; i % 8 != 0; i++) assert_int_equal(bitmap[i / 8] >> i % 8 & 1, 0);
    assert_int_equal(counts.page, page);
    assert_int_equal(counts.pages, count);
    assert_int_equal(counts.resident, resident);
}

static void residency_is_that_of_mincore(void **state) {
    (void)state;
    struct mallow_map map;
    OK(mallow_map_memory(40 * page + 5, 0, NULL, &map));
    char *data = map.data;
    OK(mallow_map_advise(&map, 0, MALLOW_MAP_ALL, MALLOW_MAP_SMALL_PAGES));
    for (size_t i = 0; i < 40; i += i % 3 + 1) data[i * page] = 1;
    check_residency(&map, 0, map.bytes);
    check_residency(&map, page - 1, 2);
    check_residency(&map, 3 * page, 0);
    check_residency(&map, 3 * page, 20 * page);
    check_residency(&map, 7 * page + 1, 9 * page);
    struct mallow_map_pages counts;
    OK(mallow_map_residency(&map, 0, MALLOW_MAP_ALL, &counts, NULL, 0));
    assert_int_equal(counts.pages, 41);
    unsigned char bitmap[5] = {1, 2, 3, 4, 5};
    FAILS(mallow_map_residency(&map, 0, MALLOW_MAP_ALL, &counts, bitmap, 5), MALLOW_NO_ROOM,
          "mallow_map_residency: there is room for 5 bytes, and 6 are needed");
    assert_memory_equal(bitmap, "\1\2\3\4\5", 5);
    OK(mallow_map_end(&map));
}

/* The range has more pages than one system call reports. */
static void residency_of_many_pages(void **state) {
    (void)state;
    struct mallow_map map;
    struct mallow_map_pages counts;
    unsigned char bitmap[400];
    OK(mallow_map_memory(3000 * page, 0, NULL, &map));
    OK(mallow_map_advise(&map, 0, MALLOW_MAP_ALL, MALLOW_MAP_SMALL_PAGES));
    const size_t touched[] = {0, 1023, 1024, 2047, 2999};
    for (size_t i = 0; i < 5; i++) ((char *)map.data)[touched[i] * page] = 1;
    OK(mallow_map_residency(&map, 0, MALLOW_MAP_ALL, &counts, bitmap, sizeof bitmap));
    assert_int_equal(counts.resident, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(bitmap[touched[i] / 8] >> touched[i] % 8 & 1, 1);
    OK(mallow_map_end(&map));
}

/* ---- sharing ---- */

static void assert_sharing(struct mallow_map_shares a, struct mallow_map_shares b) {
    assert_int_equal(a.private_dirty, b.private_dirty);
    assert_int_equal(a.private_clean, b.private_clean);
    assert_int_equal(a.shared_dirty, b.shared_dirty);
    assert_int_equal(a.shared_clean, b.shared_clean);
    assert_int_equal(a.swapped, b.swapped);
}

static struct mallow_map_shares sharing_of(const struct mallow_map *map, size_t offset,
                                           size_t bytes) {
    struct mallow_map_shares sharing;
    OK(mallow_map_sharing(map, offset, bytes, &sharing));
    return sharing;
}

static void sharing_is_that_of_smaps(void **state) {
    (void)state;
    for (enum kind i = SHARED; i < KINDS;
         i++) { /* private memory could be shown together with its neighbours */
        struct mallow_map map;
        int fd;
        make_of(i, &map, &fd);
        if (i == WRITE) OK(mallow_map_flush(&map, 0, MALLOW_MAP_ALL, MALLOW_MAP_FLUSH_WAIT));
        for (size_t j = 0; j < 3; j++) (void)((volatile char *)map.data)[j * page];
        struct seen seen = see(map.data, 3 * page);
        assert_int_equal(seen.resident, 3 * page);
        assert_sharing(sharing_of(&map, 0, MALLOW_MAP_ALL), seen.sum);
        /* The hints and the parts are as before. */
        struct mallow_map_shares one = sharing_of(&map, page, 1), two = sharing_of(&map, 0, page);
        struct mallow_map_shares three = sharing_of(&map, 2 * page, page);
        assert_int_equal(one.private_dirty + two.private_dirty + three.private_dirty,
                         seen.sum.private_dirty);
        assert_int_equal(one.private_clean + two.private_clean + three.private_clean,
                         seen.sum.private_clean);
        struct seen after = see(map.data, 3 * page);
        assert_int_equal(after.parts, seen.parts);
        assert_string_equal(after.flags, seen.flags);
        OK(mallow_map_end(&map));
        if (fd >= 0) close(fd);
    }
}

/* The test separates the part with a readahead hint, so that smaps shows it alone. */
static void check_part(const struct mallow_map *map, size_t from, size_t bytes) {
    char *part = (char *)map->data + from;
    struct mallow_map_shares sharing = sharing_of(map, from, bytes);
    assert_int_equal(madvise(part, bytes, MADV_RANDOM), 0);
    struct seen seen = see(part, bytes);
    assert_int_equal(seen.parts, 1);
    assert_non_null(strstr(seen.flags, " rr"));
    assert_sharing(sharing, seen.sum);
    assert_int_equal(madvise(part, bytes, MADV_NORMAL), 0);
}

static void a_part_is_that_of_smaps(void **state) {
    (void)state;
    for (enum kind i = MEMORY; i < KINDS; i++) {
        struct mallow_map map;
        int fd;
        make_of(i, &map, &fd);
        if (i == READ) (void)*((volatile char *)map.data + page);
        if (i == MEMORY || i == PRIVATE || i == SHARED)
            OK(mallow_map_advise(&map, page, page, MALLOW_MAP_DISCARD));
        for (size_t first = 0; first < 3; first++)
            for (size_t count = 1; first + count <= 3; count++)
                check_part(&map, first * page, count * page);
        OK(mallow_map_end(&map));
        if (fd >= 0) close(fd);
    }
}

/* The range consists of one whole mapping of the kernel and a part of another. */
static void parts_are_added(void **state) {
    (void)state;
    struct mallow_map map;
    int fd;
    make_of(SHARED, &map, &fd);
    OK(mallow_map_protect(&map, 0, page, MALLOW_MAP_CAN_READ));
    struct mallow_map_shares sharing = sharing_of(&map, 0, 2 * page);
    assert_int_equal(sharing.private_dirty, 2 * page);
    sharing = sharing_of(&map, page, page);
    assert_int_equal(sharing.private_dirty, page);
    OK(mallow_map_end(&map));
}

static void readahead_hints_survive(void **state) {
    (void)state;
    const enum mallow_map_advice hints[] = {MALLOW_MAP_RANDOM, MALLOW_MAP_SEQUENTIAL};
    const char *const flags[] = {" rr", " sr"};
    for (int i = 0; i < 2; i++) {
        struct mallow_map map;
        int fd;
        make_of(3, &map, &fd);
        OK(mallow_map_advise(&map, 0, MALLOW_MAP_ALL, hints[i]));
        struct mallow_map_shares one = sharing_of(&map, page, page);
        assert_int_equal(one.private_dirty + one.private_clean, page);
        struct seen seen = see(map.data, 3 * page);
        assert_int_equal(seen.parts, 1);
        assert_non_null(strstr(seen.flags, flags[i]));
        OK(mallow_map_end(&map));
        close(fd);
    }
}

static struct mallow_map cow;

static void observe_copies(void) {
    const uint64_t p = page;
    struct mallow_map_shares all = sharing_of(&cow, 0, MALLOW_MAP_ALL);
    MUST(all.shared_dirty == 10 * p && all.private_dirty == 0);
    memset((char *)cow.data + 2 * page, 'c', 3 * page);
    all = sharing_of(&cow, 0, MALLOW_MAP_ALL);
    MUST(all.shared_dirty == 7 * p && all.private_dirty == 3 * p);
    struct mallow_map_shares part = sharing_of(&cow, 4 * page, 2 * page);
    MUST(part.shared_dirty == p && part.private_dirty == p);
    part = sharing_of(&cow, 4 * page + 1, page); /* the pages around it */
    MUST(part.shared_dirty == p && part.private_dirty == p);
    part = sharing_of(&cow, 4 * page, 0);
    MUST(part.shared_dirty == 0 && part.private_dirty == 0);
}

static void copies_on_write_are_visible(void **state) {
    (void)state;
    OK(mallow_map_memory(10 * page, 0, NULL, &cow));
    OK(mallow_map_advise(&cow, 0, MALLOW_MAP_ALL, MALLOW_MAP_SMALL_PAGES));
    memset(cow.data, 'p', 10 * page);
    struct mallow_map_shares all = sharing_of(&cow, 0, MALLOW_MAP_ALL);
    assert_int_equal(all.private_dirty, 10 * page);
    assert_int_equal(in_child(observe_copies), 0);
    all = sharing_of(&cow, 0, MALLOW_MAP_ALL);
    assert_int_equal(all.private_dirty, 10 * page);
    assert_int_equal(all.shared_dirty, 0);
    OK(mallow_map_end(&cow));

    int fd = make_unlinked(false, 10 * page);
    OK(mallow_map_descriptor(fd, 0, 10 * page, MALLOW_MAP_PRIVATE, &cow));
    ((char *)cow.data)[3 * page] = 'x';
    struct mallow_map_shares one = sharing_of(&cow, 3 * page, 1);
    assert_int_equal(one.private_dirty, page); /* the private copy */
    assert_int_equal(one.private_clean + one.shared_dirty + one.shared_clean, 0);
    OK(mallow_map_end(&cow));
    close(fd);
}

static void *observe_often(void *unused) {
    for (size_t i = 0; i < 30; i++) {
        struct mallow_map_shares part = sharing_of(&cow, i % 9 * page, 2 * page);
        assert_int_equal(part.private_dirty, 2 * page);
    }
    return unused;
}

static void threads_observe_the_same_pages(void **state) {
    (void)state;
    pthread_t threads[4];
    OK(mallow_map_memory(10 * page, 0, NULL, &cow));
    OK(mallow_map_advise(&cow, 0, MALLOW_MAP_ALL, MALLOW_MAP_SMALL_PAGES));
    memset(cow.data, 'p', 10 * page);
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, observe_often, NULL);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    assert_null(strstr(see(cow.data, 10 * page).flags, " rr"));
    assert_int_equal(see(cow.data, 10 * page).parts, 1);
    OK(mallow_map_end(&cow));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(residency_is_that_of_mincore),
        cmocka_unit_test(residency_of_many_pages),
        cmocka_unit_test(sharing_is_that_of_smaps),
        cmocka_unit_test(a_part_is_that_of_smaps),
        cmocka_unit_test(parts_are_added),
        cmocka_unit_test(readahead_hints_survive),
        cmocka_unit_test(copies_on_write_are_visible),
        cmocka_unit_test(threads_observe_the_same_pages),
    };
    return cmocka_run_group_tests(tests, measure, NULL);
}
