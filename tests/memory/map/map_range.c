/* Flush, protection and advice, compared with /proc/self/smaps. */
#include "map_test.h"

#include <linux/magic.h>
#include <sys/statfs.h>

#include "base/kernel_file.h"

static size_t page;

static int measure(void **state) {
    (void)state;
    page = kernel_page();
    return 0;
}

/* ---- what the library asks the kernel ---- */

static struct {
    const char *low;
    size_t bytes;
    int with;
} advised, synced, started;

bool __real_kernel_advise(void *p, size_t bytes, int advice);
bool __wrap_kernel_advise(void *p, size_t bytes, int advice) {
    advised.low = p, advised.bytes = bytes, advised.with = advice;
    return __real_kernel_advise(p, bytes, advice);
}

bool __real_kernel_sync(void *p, size_t bytes, int flags);
bool __wrap_kernel_sync(void *p, size_t bytes, int flags) {
    synced.low = p, synced.bytes = bytes, synced.with = flags;
    return __real_kernel_sync(p, bytes, flags);
}

bool __real_kernel_start_writing(int fd, uint64_t from, uint64_t bytes);
bool __wrap_kernel_start_writing(int fd, uint64_t from, uint64_t bytes) {
    started.low = (char *)(uintptr_t)from, started.bytes = bytes, started.with = fd;
    return __real_kernel_start_writing(fd, from, bytes);
}

/* ---- flush ---- */

static void changes_are_flushed(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct mallow_map map;
        int fd = make_unlinked(i == 1, 8 * page);
        OK(mallow_map_descriptor(fd, page + 10, 5 * page, MALLOW_MAP_WRITE, &map));
        char *first = (char *)map.data - 10;
        memset(map.data, 'f', map.bytes);
        OK(mallow_map_flush(&map, 0, MALLOW_MAP_ALL, MALLOW_MAP_FLUSH_WAIT));
        assert_ptr_equal(synced.low, first);
        assert_int_equal(synced.bytes, 6 * page);
        assert_int_equal(synced.with, MS_SYNC);
        struct statfs system;
        assert_int_equal(fstatfs(fd, &system), 0);
        if (system.f_type != TMPFS_MAGIC)
            assert_int_equal(see(first, 6 * page).sum.private_dirty, 0);
        OK(mallow_map_flush(&map, page, page, MALLOW_MAP_FLUSH_WAIT));
        assert_ptr_equal(synced.low, first + page);
        assert_int_equal(synced.bytes, 2 * page);
        *(char *)map.data = 'g';
        OK(mallow_map_flush(&map, page - 10, 1, MALLOW_MAP_FLUSH_START));
        assert_ptr_equal(synced.low, first + page);
        assert_int_equal(synced.bytes, page);
        assert_int_equal(synced.with, MS_ASYNC);
        assert_ptr_equal(started.low, (char *)(2 * page));
        assert_int_equal(started.bytes, page);
        synced.low = NULL;
        OK(mallow_map_flush(&map, 5 * page, 0, MALLOW_MAP_FLUSH_WAIT));
        assert_null(synced.low);
        OK(mallow_map_end(&map));
        close(fd);
    }
}

static void only_written_back_mappings_are_flushed(void **state) {
    (void)state;
    struct mallow_map map;
    int fd = make_unlinked(false, 10);
    const unsigned modes[] = {MALLOW_MAP_READ, MALLOW_MAP_PRIVATE};
    for (int i = 0; i < 2; i++) {
        OK(mallow_map_descriptor(fd, 0, 10, modes[i], &map));
        FAILS(mallow_map_flush(&map, 0, 1, MALLOW_MAP_FLUSH_WAIT), MALLOW_UNSUPPORTED,
              "mallow_map_flush: the kernel or the file does not support this: only a mapping with "
              "MALLOW_MAP_WRITE writes to its file");
        OK(mallow_map_end(&map));
    }
    OK(mallow_map_file("/dev/zero", 0, 10, MALLOW_MAP_WRITE, &map));
    OK(mallow_map_flush(&map, 0, 10, MALLOW_MAP_FLUSH_START));
    OK(mallow_map_end(&map));
    close(fd);
}

/* ---- protection ---- */

static void access_is_what_maps_shows(void **state) {
    (void)state;
    static const struct {
        unsigned access;
        const char *shown;
    } cases[] = {
        {MALLOW_MAP_NO_ACCESS, "---p"},
        {MALLOW_MAP_CAN_READ, "r--p"},
        {MALLOW_MAP_CAN_WRITE, "-w-p"},
        {MALLOW_MAP_CAN_READ | MALLOW_MAP_CAN_WRITE, "rw-p"},
        {MALLOW_MAP_CAN_READ | MALLOW_MAP_CAN_EXECUTE, "r-xp"},
    };
    struct mallow_map map;
    OK(mallow_map_memory(5 * page, 0, NULL, &map));
    char *data = map.data;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        OK(mallow_map_protect(&map, 2 * page - 1, 2, cases[i].access)); /* two pages */
        assert_string_equal(see(data, 1).access, "rw-p");
        assert_string_equal(see(data + page, 1).access, cases[i].shown);
        assert_string_equal(see(data + 2 * page, 1).access, cases[i].shown);
        assert_string_equal(see(data + 3 * page, 1).access, "rw-p");
        OK(mallow_map_protect(&map, 0, MALLOW_MAP_ALL, MALLOW_MAP_CAN_READ | MALLOW_MAP_CAN_WRITE));
        assert_string_equal(see(data + page, 1).access, "rw-p");
    }
    OK(mallow_map_protect(&map, page, 0, MALLOW_MAP_NO_ACCESS));
    assert_string_equal(see(data + page, 1).access, "rw-p");
    OK(mallow_map_end(&map));
}

static void files_for_reading_stay_readable_only(void **state) {
    (void)state;
    struct mallow_map map;
    char path[64];
    int fd = make_file(false, 10, path);
    OK(mallow_map_file(path, 0, 10, MALLOW_MAP_READ, &map));
    FAILS(mallow_map_protect(&map, 0, 10, MALLOW_MAP_CAN_WRITE), MALLOW_DENIED,
          "mallow_map_protect: a permission is missing: mprotect: Permission denied");
    assert_string_equal(see(map.data, 10).access, "r--s");
    OK(mallow_map_end(&map));
    unlink(path);
    close(fd);
}

/* ---- advice ---- */

static size_t resident_pages(const struct mallow_map *map) {
    struct mallow_map_pages counts;
    OK(mallow_map_residency(map, 0, MALLOW_MAP_ALL, &counts, NULL, 0));
    return counts.resident;
}

static void advice_reaches_the_kernel(void **state) {
    (void)state;
    static const struct {
        enum mallow_map_advice advice;
        const char *flag; /* in smaps */
        bool is_set;
    } cases[] = {
        {MALLOW_MAP_SEQUENTIAL, " sr", true},  {MALLOW_MAP_RANDOM, " rr", true},
        {MALLOW_MAP_NORMAL, " rr", false},     {MALLOW_MAP_HUGE_PAGES, " hg", true},
        {MALLOW_MAP_SMALL_PAGES, " nh", true},
    };
    struct mallow_map map;
    OK(mallow_map_memory(5 * page, 0, NULL, &map));
    char *data = map.data;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum mallow_result result = mallow_map_advise(&map, 2 * page - 1, 2, cases[i].advice);
        if (result == MALLOW_UNSUPPORTED) continue; /* a kernel without huge pages */
        OK(result);
        assert_ptr_equal(advised.low, data + page);
        assert_int_equal(advised.bytes, 2 * page);
        assert_int_equal(strstr(see(data + page, 1).flags, cases[i].flag) != NULL, cases[i].is_set);
        assert_int_equal(strstr(see(data + 2 * page, 1).flags, cases[i].flag) != NULL,
                         cases[i].is_set);
        assert_null(strstr(see(data + 3 * page, 1).flags, cases[i].flag));
    }
    OK(mallow_map_end(&map));
}

static void pages_are_populated(void **state) {
    (void)state;
    struct mallow_map map;
    OK(mallow_map_memory(9 * page, 0, NULL, &map));
    OK(mallow_map_protect(&map, 0, 1, MALLOW_MAP_NO_ACCESS)); /* a mapping of its own for smaps */
    OK(mallow_map_protect(&map, 8 * page, 1, MALLOW_MAP_NO_ACCESS));
    enum mallow_result result = mallow_map_advise(&map, page, 7 * page, MALLOW_MAP_POPULATE);
    if (result == MALLOW_UNSUPPORTED) skip();
    OK(result);
    assert_int_equal(advised.with, 23); /* MADV_POPULATE_WRITE */
    assert_int_equal(see((char *)map.data + page, 7 * page).sum.private_dirty, 7 * page);
    OK(mallow_map_end(&map));
    /* Pages of a private mapping are not copied. */
    int fd = make_unlinked(false, 9 * page);
    OK(mallow_map_descriptor(fd, 0, 9 * page, MALLOW_MAP_PRIVATE, &map));
    OK(mallow_map_advise(&map, 0, MALLOW_MAP_ALL, MALLOW_MAP_POPULATE));
    struct seen seen = see(map.data, 9 * page);
    assert_int_equal(seen.resident, 9 * page);
    assert_int_equal(ftruncate(fd, 1), 0);
    FAILS(mallow_map_advise(&map, page, page, MALLOW_MAP_POPULATE), MALLOW_TRUNCATED,
          "mallow_map_advise: the file has become shorter than its mapping: madvise: No data "
          "available");
    OK(mallow_map_end(&map));
    close(fd);
}

/* Advice that could lose bytes affects only whole pages of the range. */
static void advice_stays_inside_the_range(void **state) {
    (void)state;
    const enum mallow_map_advice limited[] = {MALLOW_MAP_DO_NOT_NEED, MALLOW_MAP_COLD,
                                              MALLOW_MAP_PAGE_OUT, MALLOW_MAP_DISCARD};
    struct mallow_map map;
    OK(mallow_map_memory(5 * page - 7, 0, NULL, &map));
    char *data = map.data;
    for (size_t i = 0; i < 4; i++) {
        advised.low = NULL;
        OK(mallow_map_advise(&map, 1, page, limited[i])); /* no whole page */
        OK(mallow_map_advise(&map, page, page - 1, limited[i]));
        OK(mallow_map_advise(&map, page, 0, limited[i]));
        assert_null(advised.low);
        OK(mallow_map_advise(&map, page - 1, 2 * page, limited[i]));
        assert_ptr_equal(advised.low, data + page);
        assert_int_equal(advised.bytes, page);
        OK(mallow_map_advise(&map, 1, 5 * page - 8, limited[i]));
        assert_ptr_equal(advised.low, data + page); /* the last page has no other bytes */
        assert_int_equal(advised.bytes, 4 * page);
        OK(mallow_map_advise(&map, 0, MALLOW_MAP_ALL, limited[i]));
        assert_ptr_equal(advised.low, data);
        assert_int_equal(advised.bytes, 5 * page);
    }
    OK(mallow_map_end(&map));
}

static void only_discard_loses_bytes(void **state) {
    (void)state;
    for (enum kind i = 0; i < KINDS; i++) {
        struct mallow_map map;
        int fd;
        make_of(i, &map, &fd);
        char *data = map.data, kept = i == 4 ? byte_at(page + 1) : 'w';
        for (enum mallow_map_advice advice = 0; advice < MALLOW_MAP_DISCARD; advice++) {
            enum mallow_result result = mallow_map_advise(&map, 0, MALLOW_MAP_ALL, advice);
            assert_true(result == MALLOW_OK || result == MALLOW_UNSUPPORTED);
            assert_int_equal(data[page + 1], kept);
        }
        if (i >= 3) {
            FAILS(mallow_map_advise(&map, page, page, MALLOW_MAP_DISCARD), MALLOW_UNSUPPORTED,
                  "mallow_map_advise: the kernel or the file does not support this: the bytes "
                  "belong to the file: use fallocate(2) or ftruncate(2)");
            assert_int_equal(data[page + 1], kept);
        } else {
            OK(mallow_map_advise(&map, page, page, MALLOW_MAP_DISCARD));
            assert_int_equal(data[page - 1], 'w');
            assert_int_equal(data[page + 1], i == 2 ? byte_at(page + 1) : 0);
            assert_int_equal(data[2 * page], 'w');
        }
        OK(mallow_map_end(&map));
        if (fd >= 0) close(fd);
    }
}

/* The mapping does not use the bytes of its first page that come before it. */
static void the_first_page_is_inside(void **state) {
    (void)state;
    struct mallow_map map;
    int fd = make_unlinked(false, 3 * page);
    OK(mallow_map_descriptor(fd, 5, 2 * page, MALLOW_MAP_PRIVATE, &map));
    memset(map.data, 'w', 2 * page);
    OK(mallow_map_advise(&map, 0, page, MALLOW_MAP_DISCARD));
    assert_ptr_equal(advised.low, (char *)map.data - 5);
    assert_int_equal(advised.bytes, page);
    assert_int_equal(*(char *)map.data, byte_at(5));
    assert_int_equal(((char *)map.data)[page - 1], 'w');
    OK(mallow_map_end(&map));
    close(fd);
}

/* The process gives up pages of a file that it does not need, and the page cache keeps them. */
static void unneeded_pages_leave_the_process(void **state) {
    (void)state;
    struct mallow_map map;
    int fd;
    make_of(3, &map, &fd);
    assert_int_equal(see(map.data, 3 * page).resident, 3 * page);
    OK(mallow_map_advise(&map, 0, 2 * page, MALLOW_MAP_DO_NOT_NEED));
    assert_true(see(map.data, 3 * page).resident <= page);
    assert_int_equal(resident_pages(&map), 3);
    OK(mallow_map_end(&map));
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_flushed),
        cmocka_unit_test(only_written_back_mappings_are_flushed),
        cmocka_unit_test(access_is_what_maps_shows),
        cmocka_unit_test(files_for_reading_stay_readable_only),
        cmocka_unit_test(advice_reaches_the_kernel),
        cmocka_unit_test(pages_are_populated),
        cmocka_unit_test(advice_stays_inside_the_range),
        cmocka_unit_test(only_discard_loses_bytes),
        cmocka_unit_test(the_first_page_is_inside),
        cmocka_unit_test(unneeded_pages_leave_the_process),
    };
    return cmocka_run_group_tests(tests, measure, NULL);
}
