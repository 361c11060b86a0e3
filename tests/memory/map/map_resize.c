/* Tests resizing, in place and by a move: the content of old and of new bytes. */
#include "map_test.h"

#include "base/kernel_file.h"

/* ---- a kernel that cannot move several mappings at once, or fails in between ---- */

static int moves, failing_move;
static bool old_kernel;

bool __real_kernel_move_pages(void *from, size_t bytes, void *to, bool is_kept);
bool __wrap_kernel_move_pages(void *from, size_t bytes, void *to, bool is_kept) {
    if (old_kernel && is_kept) {
        errno = EINVAL;
        return false;
    }
    if (++moves == failing_move) {
        errno = ENOMEM;
        return false;
    }
    return __real_kernel_move_pages(from, bytes, to, is_kept);
}

/* ---- places ---- */

/* Makes it impossible to grow in place. Returns the mapping to unmap. */
static void *block_growth(const struct mallow_map *map) {
    uintptr_t page = kernel_page(), end = (uintptr_t)map->data + (map->bytes == 0 ? 1 : map->bytes);
    void *after = (void *)((end + page - 1) / page * page);
    return mmap(after, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

static void unblock_growth(void *blocker) {
    if (blocker != MAP_FAILED) munmap(blocker, kernel_page());
}

/* ---- a model ---- */

static const unsigned modes[] = {
    [READ] = MALLOW_MAP_READ, [WRITE] = MALLOW_MAP_WRITE, [PRIVATE] = MALLOW_MAP_PRIVATE};

struct model {
    enum kind kind;
    int fd; /* -1 for memory */
    size_t offset, file_bytes;
    struct mallow_map map;
    char *expected; /* by offset in the mapping */
};

#define MODEL_MAX ((size_t)40 * 65536)

static void start(struct model *m, enum kind kind, size_t file_bytes, size_t offset, size_t bytes) {
    bool is_of_file = kind != MEMORY && kind != SHARED;
    *m = (struct model){.kind = kind, .fd = -1};
    if (is_of_file) m->offset = offset, m->file_bytes = file_bytes;
    m->expected = calloc(MODEL_MAX, 1);
    if (kind == MEMORY) {
        OK(mallow_map_memory(bytes, 0, NULL, &m->map));
    } else if (kind == SHARED) {
        OK(mallow_map_shared(bytes, 0, NULL, &m->map, NULL));
    } else {
        m->fd = make_unlinked(kind == PRIVATE, file_bytes);
        OK(mallow_map_descriptor(m->fd, offset, bytes, modes[kind], &m->map));
        for (size_t i = 0; offset + i < file_bytes; i++) m->expected[i] = byte_at(offset + i);
    }
}

static void finish(struct model *m) {
    OK(mallow_map_end(&m->map));
    if (m->fd >= 0) close(m->fd);
    free(m->expected);
}

static void compare(struct model *m) {
    const char *data = m->map.data;
    if (memcmp(data, m->expected, m->map.bytes) == 0) return;
    size_t i = 0;
    while (data[i] == m->expected[i]) i++;
    fail_msg("kind %d: byte %zu of %zu is %d, not %d", m->kind, i, m->map.bytes, data[i],
             m->expected[i]);
}

/* Writes some bytes near the ends. */
static void scribble(struct model *m, char with) {
    size_t bytes = m->map.bytes, page = kernel_page();
    if (m->kind == READ) return;
    for (size_t i = 0; i < bytes; i += i + 2 < bytes && i > 2 ? page / 2 : 1)
        ((char *)m->map.data)[i] = m->expected[i] = with;
    if (bytes > 0) ((char *)m->map.data)[bytes - 1] = m->expected[bytes - 1] = with;
}

/* Records the bytes that are lost if the mapping shrinks to `bytes`. */
static void forget(struct model *m, size_t bytes) {
    size_t page = kernel_page(), first = bytes;
    if (m->kind == PRIVATE) { /* private bytes stay in the last page */
        size_t lead = m->offset % page;
        first = (lead + (bytes == 0 ? 1 : bytes) + page - 1) / page * page - lead;
        if (bytes == 0) first = 0;
    }
    if (m->kind != MEMORY && m->kind != PRIVATE) return;
    for (size_t i = first; i < MODEL_MAX; i++)
        m->expected[i] = m->offset + i < m->file_bytes ? byte_at(m->offset + i) : 0;
}

static void resize(struct model *m, size_t bytes, enum mallow_map_place place) {
    if (bytes < m->map.bytes) forget(m, bytes);
    char *before = m->map.data;
    OK(mallow_map_resize(&m->map, bytes, place));
    assert_int_equal(m->map.bytes, bytes);
    if (place == MALLOW_MAP_IN_PLACE) assert_ptr_equal(m->map.data, before);
    compare(m);
    if (m->kind == WRITE) assert_true(size_of(m->fd) >= m->offset + bytes);
    if (m->kind == READ || m->kind == PRIVATE) assert_int_equal(size_of(m->fd), m->file_bytes);
}

static void resize_through(enum kind kind, size_t file_bytes, size_t offset, bool is_blocked) {
    size_t page = kernel_page();
    const size_t lengths[] = {
        1, page - 1,     page + 1,      0, 5 * page,  5 * page,      3 * page, page / 2,
        0, 2 * page + 9, 30 * page + 1, 7, 25 * page, 12 * page + 3, 35 * page};
    struct model m;
    start(&m, kind, file_bytes, offset, 0);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        void *blocker = is_blocked ? block_growth(&m.map) : MAP_FAILED;
        resize(&m, lengths[i], MALLOW_MAP_MAY_MOVE);
        scribble(&m, (char)('a' + i));
        compare(&m);
        unblock_growth(blocker);
    }
    finish(&m);
}

static void resize_all_kinds(void) {
    size_t page = kernel_page();
    for (enum kind kind = 0; kind < KINDS; kind++)
        for (int is_blocked = 0; is_blocked < 2; is_blocked++) {
            resize_through(kind, 0, 0, is_blocked);
            resize_through(kind, 2 * page + 5, page + 1, is_blocked);
            resize_through(kind, 40 * page, 3, is_blocked);
            resize_through(kind, page, 3 * page, is_blocked);
        }
}

static void content_follows_the_model(void **state) {
    (void)state;
    int descriptors = count_descriptors();
    resize_all_kinds();
    old_kernel = true;
    resize_all_kinds();
    old_kernel = false;
    assert_int_equal(count_descriptors(), descriptors);
}

/* ---- in place ---- */

static void a_mapping_grows_in_place_if_there_is_room(void **state) {
    (void)state;
    size_t page = kernel_page();
    for (enum kind kind = 0; kind < KINDS; kind++) {
        struct model m;
        start(&m, kind, 20 * page, 1, 16 * page);
        resize(&m, page + 3, MALLOW_MAP_IN_PLACE);
        scribble(&m, 'i');
        resize(&m, 16 * page, MALLOW_MAP_IN_PLACE); /* where it was before */
        int parts = see(m.map.data, 16 * page).parts;
        assert_int_equal(parts, 1); /* the kernel has merged the pages */
        resize(&m, 2, MALLOW_MAP_IN_PLACE);
        void *blocker = block_growth(&m.map);
        assert_true(blocker != MAP_FAILED);
        char *data = m.map.data, text[200];
        snprintf(text, sizeof text,
                 "mallow_map_resize: there is room for %zu bytes, and %zu are needed: allow the "
                 "mapping to move (MALLOW_MAP_MAY_MOVE)",
                 page - m.offset, 2 * page);
        FAILS(mallow_map_resize(&m.map, 2 * page, MALLOW_MAP_IN_PLACE), MALLOW_NO_ROOM, text);
        assert_ptr_equal(m.map.data, data);
        assert_int_equal(m.map.bytes, 2);
        compare(&m);
        resize(&m, page - m.offset, MALLOW_MAP_IN_PLACE); /* the same page */
        resize(&m, 2 * page, MALLOW_MAP_MAY_MOVE);
        assert_ptr_not_equal(m.map.data, data);
        assert_false(kernel_is_mapped((char *)((uintptr_t)data / page * page), page));
        unblock_growth(blocker);
        finish(&m);
    }
}

/* ---- parts with different access ---- */

static void check_parts(const struct mallow_map *map, size_t page) {
    assert_string_equal(see((char *)map->data + page, 1).access, "---s");
    assert_string_equal(see((char *)map->data + 3 * page, 1).access, "r--s");
    assert_string_equal(see((char *)map->data + 4 * page, 1).access, "rw-s");
    assert_int_equal(((char *)map->data)[0], 'a');
    assert_int_equal(((char *)map->data)[3 * page], 'b');
}

static void parts_move_with_their_access(void **state) {
    (void)state;
    size_t page = kernel_page();
    struct mallow_map map;
    OK(mallow_map_shared(5 * page, 0, NULL, &map, NULL));
    ((char *)map.data)[0] = 'a';
    ((char *)map.data)[3 * page] = 'b';
    OK(mallow_map_protect(&map, page, 2, MALLOW_MAP_NO_ACCESS));
    OK(mallow_map_protect(&map, 3 * page, page, MALLOW_MAP_CAN_READ));
    for (failing_move = 1; failing_move <= 5; failing_move++) {
        void *blocker = block_growth(&map), *data = map.data;
        moves = 0;
        FAILS(mallow_map_resize(&map, 6 * page, MALLOW_MAP_MAY_MOVE), MALLOW_NO_MEMORY,
              "mallow_map_resize: there is no memory: mremap: Cannot allocate memory");
        assert_ptr_equal(map.data, data);
        assert_int_equal(map.bytes, 5 * page);
        check_parts(&map, page);
        unblock_growth(blocker);
    }
    failing_move = 0;
    moves = 0;
    void *blocker = block_growth(&map);
    OK(mallow_map_resize(&map, 9 * page, MALLOW_MAP_MAY_MOVE));
    assert_int_equal(moves, 5);
    check_parts(&map, page);
    ((char *)map.data)[9 * page - 1] = 'z';
    unblock_growth(blocker);
    OK(mallow_map_end(&map));
}

/* ---- the end of the file ---- */

static void a_reader_follows_its_file(void **state) {
    (void)state;
    struct mallow_map map;
    int fd = make_unlinked(false, 0);
    OK(mallow_map_descriptor(fd, 0, MALLOW_MAP_ALL, MALLOW_MAP_READ, &map));
    size_t total = 0;
    for (int i = 0; i < 40; i++) {
        char text[1000];
        memset(text, 'a' + i % 26, sizeof text);
        assert_int_equal(write(fd, text, sizeof text), sizeof text);
        OK(mallow_map_resize(&map, MALLOW_MAP_ALL, MALLOW_MAP_MAY_MOVE));
        assert_int_equal(map.bytes, total += sizeof text);
        assert_memory_equal((char *)map.data + total - sizeof text, text, sizeof text);
    }
    assert_int_equal(ftruncate(fd, 5), 0);
    OK(mallow_map_resize(&map, MALLOW_MAP_ALL, MALLOW_MAP_IN_PLACE));
    assert_int_equal(map.bytes, 5);
    OK(mallow_map_end(&map));
    close(fd);
}

static void zeros_after_the_end_stay_zeros(void **state) {
    (void)state;
    size_t page = kernel_page();
    struct mallow_map map;
    int fd = make_unlinked(false, 10);
    OK(mallow_map_descriptor(fd, 0, 2 * page, MALLOW_MAP_PRIVATE, &map));
    ((char *)map.data)[page] = 'p';
    assert_int_equal(pwrite(fd, "x", 1, (off_t)(3 * page)), 1);
    OK(mallow_map_resize(&map, 4 * page, MALLOW_MAP_MAY_MOVE));
    assert_int_equal(((char *)map.data)[page], 'p');
    assert_int_equal(((char *)map.data)[3 * page], 0);
    OK(mallow_map_end(&map));
    close(fd);
}

static void a_closed_descriptor_is_noticed(void **state) {
    (void)state;
    struct mallow_map map;
    int fd = make_unlinked(false, 10), other = make_unlinked(false, 10);
    OK(mallow_map_descriptor(fd, 0, 10, MALLOW_MAP_WRITE, &map));
    int kept = map.descriptor;
    /* The program closes the descriptor and reuses its number. */
    assert_int_equal(dup2(other, kept), kept);
    FAILS(mallow_map_resize(&map, 100, MALLOW_MAP_MAY_MOVE), MALLOW_BAD_ARGUMENT,
          "mallow_map_resize: an argument has no meaning: the program has closed the descriptor of "
          "the mapping");
    assert_int_equal(size_of(other), 10);
    OK(mallow_map_resize(&map, 5, MALLOW_MAP_MAY_MOVE));
    OK(mallow_map_end(&map));
    /* The mapping has not closed the other file. */
    assert_int_equal(close(kept), 0);
    close(fd);
    close(other);
}

static void memory_that_cannot_be_cleared_does_not_shrink(void **state) {
    (void)state;
    struct mallow_map map;
    OK(mallow_map_memory(100, 0, NULL, &map));
    OK(mallow_map_protect(&map, 0, 100, MALLOW_MAP_CAN_READ));
    FAILS(mallow_map_resize(&map, 50, MALLOW_MAP_IN_PLACE), MALLOW_DENIED,
          "mallow_map_resize: a permission is missing: the pages do not allow this access: see "
          "mallow_map_protect");
    assert_int_equal(map.bytes, 100);
    OK(mallow_map_end(&map));
}

static void devices_grow(void **state) {
    (void)state;
    struct mallow_map map;
    size_t page = kernel_page();
    OK(mallow_map_file("/dev/zero", 0, 10, MALLOW_MAP_PRIVATE, &map));
    memset(map.data, 'a', 10);
    OK(mallow_map_resize(&map, 10 * page, MALLOW_MAP_MAY_MOVE));
    assert_int_equal(((char *)map.data)[9], 'a');
    assert_int_equal(((char *)map.data)[10 * page - 1], 0);
    OK(mallow_map_end(&map));
    OK(mallow_map_file("/dev/zero", 0, 10, MALLOW_MAP_WRITE, &map));
    OK(mallow_map_resize(&map, 10 * page, MALLOW_MAP_MAY_MOVE));
    assert_string_equal(see((char *)map.data + 9 * page, 1).access, "rw-s");
    OK(mallow_map_end(&map));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_follows_the_model),
        cmocka_unit_test(a_mapping_grows_in_place_if_there_is_room),
        cmocka_unit_test(parts_move_with_their_access),
        cmocka_unit_test(a_reader_follows_its_file),
        cmocka_unit_test(zeros_after_the_end_stay_zeros),
        cmocka_unit_test(a_closed_descriptor_is_noticed),
        cmocka_unit_test(memory_that_cannot_be_cleared_does_not_shrink),
        cmocka_unit_test(devices_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
