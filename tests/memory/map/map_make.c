/* Mappings of memory and files: content, length, access, names and sharing. */
#include "map_test.h"

#include <sys/socket.h>

/* ---- names ---- */

static char last_name[100]; /* the last name of anonymous pages; the kernel may not show it */

void __real_kernel_name_pages(void *p, size_t bytes, const char *name);
void __wrap_kernel_name_pages(void *p, size_t bytes, const char *name) {
    snprintf(last_name, sizeof last_name, "%s", name);
    __real_kernel_name_pages(p, bytes, name);
}

static void check_name(const struct mallow_map *map, const char *name) {
    char shown[128];
    assert_string_equal(last_name, name);
    snprintf(shown, sizeof shown, "[anon:%s]", name);
    struct seen seen = see(map->data, 1);
    if (seen.name[0] != '\0') assert_string_equal(seen.name, shown); /* Linux 5.17 */
}

/* ---- files: each mode, offset and length ---- */

struct file_case {
    bool on_tmpfs;
    unsigned how;
    size_t file_bytes, offset, bytes;
};

static void check_content(const struct file_case *c, const struct mallow_map *map, size_t bytes) {
    const char *data = map->data;
    assert_int_equal(map->bytes, bytes);
    assert_non_null(data);
    for (size_t i = 0; i < bytes; i++)
        if (data[i] != (c->offset + i < c->file_bytes ? byte_at(c->offset + i) : 0))
            fail_msg("byte %zu of %zu at offset %zu of a file of %zu bytes, how %u", i, bytes,
                     c->offset, c->file_bytes, c->how);
    /* The rest of the file's last page is zero, too. */
    size_t end = c->offset + bytes;
    if (bytes > 0 && end >= c->file_bytes)
        for (size_t i = bytes; (c->offset + i) % kernel_page() != 0; i++)
            assert_int_equal(data[i], 0);
}

static void check_access(const struct file_case *c, const struct mallow_map *map) {
    const char *access = (c->how & MALLOW_MAP_READ) != 0    ? "r--"
                         : (c->how & MALLOW_MAP_WRITE) != 0 ? "rw-s"
                                                            : "rw-p";
    struct seen seen = see(map->data, map->bytes == 0 ? 1 : map->bytes);
    assert_true(seen.parts >= 1 && seen.parts <= 2);
    assert_memory_equal(seen.access, access, strlen(access));
    size_t page = kernel_page(), end = c->offset + map->bytes;
    bool has_zeros = (c->how & MALLOW_MAP_WRITE) == 0 && map->bytes > 0 &&
                     (c->offset >= c->file_bytes || (end - 1) / page * page >= c->file_bytes);
    assert_string_equal(last_name, has_zeros ? "mallow map" : "");
}

static void check_writes(const struct file_case *c, const struct mallow_map *map, int fd) {
    uint64_t end = c->offset + map->bytes, size = size_of(fd);
    char *data = map->data;
    if ((c->how & MALLOW_MAP_READ) != 0 || map->bytes == 0) return;
    memset(data, 'x', map->bytes);
    bool is_written = (c->how & MALLOW_MAP_WRITE) != 0;
    assert_int_equal(size_of(fd), size);
    for (uint64_t i = 0; i < size; i++) {
        char byte;
        assert_int_equal(pread(fd, &byte, 1, (off_t)i), 1);
        char before = i < c->file_bytes ? byte_at(i) : 0;
        assert_int_equal(byte, is_written && i >= c->offset && i < end ? 'x' : before);
        if (i == c->offset + 2 && end > i + 4) i = end - 3; /* it is enough to check the ends */
    }
}

static void check_case(const struct file_case *c) {
    struct mallow_map map;
    int fd = make_unlinked(c->on_tmpfs, c->file_bytes), descriptors = count_descriptors();
    size_t bytes = c->bytes == MALLOW_MAP_ALL ? c->file_bytes - c->offset : c->bytes;
    if (c->bytes == MALLOW_MAP_ALL && c->offset > c->file_bytes) {
        FAILS(mallow_map_descriptor(fd, c->offset, c->bytes, c->how, &map), MALLOW_BAD_ARGUMENT,
              "mallow_map_descriptor: an argument has no meaning: the offset is after the end of "
              "the file");
    } else {
        last_name[0] = '\0';
        OK(mallow_map_descriptor(fd, c->offset, c->bytes, c->how, &map));
        bool extends = (c->how & MALLOW_MAP_WRITE) != 0 && c->offset + bytes > c->file_bytes;
        assert_int_equal(size_of(fd), extends ? c->offset + bytes : c->file_bytes);
        check_content(c, &map, bytes);
        check_access(c, &map);
        check_writes(c, &map, fd);
        char *page = (char *)((uintptr_t)map.data / kernel_page() * kernel_page());
        OK(mallow_map_end(&map));
        assert_false(kernel_is_mapped(page, kernel_page()));
        assert_null(map.data);
        assert_int_equal(map.bytes, 0);
        OK(mallow_map_end(&map));
    }
    assert_int_equal(count_descriptors(), descriptors);
    close(fd);
}

static void files_have_any_offset_and_length(void **state) {
    (void)state;
    const size_t page = kernel_page();
    const size_t sizes[] = {0, 1, page - 1, page, page + 1, 3 * page + 5};
    const size_t offsets[] = {0, 1, page - 1, page, page + 1, 2 * page + 3};
    const size_t lengths[] = {0, 1, page - 1, page, page + 1, 2 * page + 1, MALLOW_MAP_ALL};
    const unsigned modes[] = {MALLOW_MAP_READ, MALLOW_MAP_PRIVATE, MALLOW_MAP_WRITE,
                              MALLOW_MAP_WRITE | MALLOW_MAP_SPARSE};
    for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < 6; j++)
            for (size_t k = 0; k < 7; k++)
                for (size_t m = 0; m < 4; m++)
                    check_case(&(struct file_case){(i + j + k) % 2 == 0, modes[m], sizes[i],
                                                   offsets[j], lengths[k]});
}

static void paths_are_opened_and_created(void **state) {
    (void)state;
    char path[64];
    struct mallow_map map;
    int fd = make_file(false, 10, path), descriptors = count_descriptors();
    OK(mallow_map_file(path, 2, 5, MALLOW_MAP_READ, &map));
    assert_int_equal(*(char *)map.data, byte_at(2));
    OK(mallow_map_end(&map));
    unlink(path);
    assert_int_equal(mallow_map_file(path, 0, 5, MALLOW_MAP_WRITE, &map), MALLOW_NOT_FOUND);
    mode_t mask = umask(027);
    OK(mallow_map_file(path, 3, 5, MALLOW_MAP_WRITE | MALLOW_MAP_CREATE, &map));
    umask(mask);
    close(fd);
    struct stat made;
    assert_int_equal(stat(path, &made), 0);
    assert_int_equal(made.st_size, 8);
    assert_int_equal(made.st_mode & 0777, 0640);
    *(char *)map.data = 'a';
    OK(mallow_map_end(&map));
    OK(mallow_map_file(path, 0, MALLOW_MAP_ALL, MALLOW_MAP_WRITE | MALLOW_MAP_CREATE, &map));
    assert_int_equal(map.bytes, 8);
    assert_memory_equal(map.data, "\0\0\0a\0\0\0\0", 8);
    OK(mallow_map_end(&map));
    unlink(path);
    assert_int_equal(count_descriptors(), descriptors - 1);
}

static void extended_files_have_their_space(void **state) {
    (void)state;
    const size_t length = (size_t)1 << 20;
    for (int i = 0; i < 4; i++) {
        struct mallow_map map;
        unsigned sparse = i % 2 == 1 ? MALLOW_MAP_SPARSE : 0;
        int fd = make_unlinked(i / 2 == 1, 3);
        OK(mallow_map_descriptor(fd, 1, length, MALLOW_MAP_WRITE | sparse, &map));
        assert_int_equal(size_of(fd), 1 + length);
        assert_true(sparse ? disk_bytes_of(fd) < length / 2 : disk_bytes_of(fd) >= length);
        OK(mallow_map_end(&map));
        close(fd);
    }
}

static void files_of_three_gibibytes_are_sparse(void **state) {
    (void)state;
    if (sizeof(size_t) < 8) skip();
    const uint64_t gibibyte = (uint64_t)1 << 30;
    struct mallow_map map, tail;
    int fd = make_unlinked(false, 1);
    OK(mallow_map_descriptor(fd, 1, 3 * gibibyte, MALLOW_MAP_WRITE | MALLOW_MAP_SPARSE, &map));
    assert_int_equal(size_of(fd), 3 * gibibyte + 1);
    char *data = map.data, byte;
    data[0] = 'a', data[3 * gibibyte - 1] = 'z';
    assert_int_equal(pread(fd, &byte, 1, 1), 1);
    assert_int_equal(byte, 'a');
    assert_int_equal(pread(fd, &byte, 1, (off_t)(3 * gibibyte)), 1);
    assert_int_equal(byte, 'z');
    OK(mallow_map_descriptor(fd, 3 * gibibyte - 10, MALLOW_MAP_ALL, MALLOW_MAP_READ, &tail));
    assert_int_equal(tail.bytes, 11);
    assert_int_equal(((char *)tail.data)[10], 'z');
    OK(mallow_map_end(&tail));
    OK(mallow_map_end(&map));
    assert_true(disk_bytes_of(fd) < gibibyte);
    close(fd);
}

static void two_mappings_show_one_file(void **state) {
    (void)state;
    size_t page = kernel_page();
    struct mallow_map writer, reader, private;
    int fd = make_unlinked(false, 4 * page);
    OK(mallow_map_descriptor(fd, 1, 3 * page, MALLOW_MAP_WRITE, &writer));
    OK(mallow_map_descriptor(fd, page - 1, 2 * page, MALLOW_MAP_READ, &reader));
    OK(mallow_map_descriptor(fd, page - 1, 2 * page, MALLOW_MAP_PRIVATE, &private));
    ((char *)private.data)[1] = 'p';
    ((char *)writer.data)[page - 1] = 'w';
    assert_int_equal(((char *)reader.data)[1], 'w');
    assert_int_equal(((char *)private.data)[1], 'p');
    ((char *)writer.data)[page + 5 + page] = 'v'; /* a page without private bytes */
    assert_int_equal(((char *)private.data)[page + 7], 'v');
    OK(mallow_map_end(&writer));
    OK(mallow_map_end(&reader));
    OK(mallow_map_end(&private));
    close(fd);
}

static void devices_are_mapped(void **state) {
    (void)state;
    const unsigned modes[] = {MALLOW_MAP_READ, MALLOW_MAP_PRIVATE, MALLOW_MAP_WRITE};
    for (int i = 0; i < 3; i++) {
        struct mallow_map map;
        size_t length = 2 * kernel_page() + 3;
        OK(mallow_map_file("/dev/zero", 5, length, modes[i], &map));
        assert_int_equal(map.bytes, length);
        if (modes[i] != MALLOW_MAP_READ) memset(map.data, 0, length);
        for (size_t j = 0; j < length; j++) assert_int_equal(((char *)map.data)[j], 0);
        OK(mallow_map_end(&map));
    }
}

/* ---- memory ---- */

static void memory_is_zeroed_and_named(void **state) {
    (void)state;
    size_t page = kernel_page();
    const size_t lengths[] = {0, 1, page - 1, page, page + 1, 10 * page + 7};
    for (size_t i = 0; i < 6; i++) {
        struct mallow_map map;
        OK(mallow_map_memory(lengths[i], 0, i % 2 == 0 ? "unit test" : NULL, &map));
        assert_int_equal(map.bytes, lengths[i]);
        assert_non_null(map.data);
        for (size_t j = 0; j < lengths[i]; j++) assert_int_equal(((char *)map.data)[j], 0);
        memset(map.data, 1, lengths[i]);
        assert_string_equal(see(map.data, lengths[i] == 0 ? 1 : lengths[i]).access, "rw-p");
        check_name(&map, i % 2 == 0 ? "mallow unit test" : "mallow map");
        OK(mallow_map_end(&map));
    }
}

static void names_are_checked(void **state) {
    (void)state;
    struct mallow_map map;
    const char *const bad[] = {
        "",   "a\\",  "`",  "a$b",      "[",
        "x]", "\x7f", "\t", "\xc3\xa4", "12345678901234567890123456789012345678901"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        FAILS(mallow_map_memory(1, 0, bad[i], &map), MALLOW_BAD_ARGUMENT,
              "mallow_map_memory: an argument has no meaning: a name has 1 to 40 printable ASCII "
              "characters, and none of \\ ` $ [ ]");
        assert_int_equal(mallow_map_shared(1, 0, bad[i], &map, NULL), MALLOW_BAD_ARGUMENT);
    }
    OK(mallow_map_memory(1, 0, "1234567890123456789012345678901234567~ !", &map));
    check_name(&map, "mallow 1234567890123456789012345678901234567~ !");
    OK(mallow_map_end(&map));
}

/* ---- shared memory ---- */

static void shared_memory_reaches_children(void **state) {
    (void)state;
    struct mallow_map map;
    int descriptors = count_descriptors();
    OK(mallow_map_shared(10000, 0, "unit test", &map, NULL));
    assert_int_equal(count_descriptors(), descriptors + 1);
    for (int j = 0; j < 10000; j++) assert_int_equal(((char *)map.data)[j], 0);
    struct seen seen = see(map.data, map.bytes);
    assert_string_equal(seen.name, "/memfd:mallow unit test (deleted)");
    assert_string_equal(seen.access, "rw-s");
    pid_t child = fork();
    if (child == 0) {
        ((char *)map.data)[9999] = 'c';
        MUST(mallow_map_resize(&map, 20000, MALLOW_MAP_MAY_MOVE) == MALLOW_OK);
        ((char *)map.data)[19999] = 'd';
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(((char *)map.data)[9999], 'c');
    OK(mallow_map_resize(&map, MALLOW_MAP_ALL, MALLOW_MAP_MAY_MOVE));
    assert_int_equal(map.bytes, 20000);
    assert_int_equal(((char *)map.data)[19999], 'd');
    OK(mallow_map_end(&map));
    assert_int_equal(count_descriptors(), descriptors);
}

static void descriptors_of_shared_memory_can_be_mapped(void **state) {
    (void)state;
    struct mallow_map map, other;
    int fd, descriptors = count_descriptors();
    OK(mallow_map_shared(100, 0, NULL, &map, &fd));
    OK(mallow_map_descriptor(fd, 10, MALLOW_MAP_ALL, MALLOW_MAP_WRITE, &other));
    assert_int_equal(other.bytes, 90);
    ((char *)other.data)[0] = 'x';
    assert_int_equal(((char *)map.data)[10], 'x');
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0); /* the receiver may add seals */
    OK(mallow_map_end(&map));
    OK(mallow_map_end(&other));
    close(fd);
    assert_int_equal(count_descriptors(), descriptors);
}

static void seals_bind_all_processes(void **state) {
    (void)state;
    struct mallow_map map, other;
    int fd;
    OK(mallow_map_shared(100, MALLOW_MAP_SEAL_SIZE, NULL, &map, &fd));
    assert_int_equal(ftruncate(fd, 99), -1);
    assert_int_equal(ftruncate(fd, 101), -1);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), -1);
    assert_int_equal(write(fd, "w", 1), 1);
    assert_int_equal(*(char *)map.data, 'w');
    FAILS(
        mallow_map_resize(&map, 101, MALLOW_MAP_MAY_MOVE), MALLOW_DENIED,
        "mallow_map_resize: a permission is missing: fallocate: Operation not permitted: the file "
        "is sealed against growth");
    OK(mallow_map_resize(&map, 99, MALLOW_MAP_MAY_MOVE));
    OK(mallow_map_end(&map));
    close(fd);

    OK(mallow_map_shared(100, MALLOW_MAP_SEAL_WRITE, NULL, &map, &fd));
    *(char *)map.data = 'm';
    assert_int_equal(write(fd, "w", 1), -1);
    FAILS(mallow_map_descriptor(fd, 0, 100, MALLOW_MAP_WRITE, &other), MALLOW_DENIED,
          "mallow_map_descriptor: a permission is missing: mmap: Operation not permitted: the file "
          "is sealed: map it without MALLOW_MAP_WRITE");
    OK(mallow_map_descriptor(fd, 0, 100, MALLOW_MAP_READ, &other));
    assert_int_equal(*(char *)other.data, 'm');
    OK(mallow_map_end(&other));
    OK(mallow_map_end(&map));
    close(fd);
}

static void private_memory_is_copied_by_a_fork(void **state) {
    (void)state;
    struct mallow_map map;
    OK(mallow_map_memory(100, 0, NULL, &map));
    *(char *)map.data = 'p';
    pid_t child = fork();
    if (child == 0) {
        MUST(*(char *)map.data == 'p');
        *(char *)map.data = 'c';
        MUST(mallow_map_end(&map) == MALLOW_OK);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(*(char *)map.data, 'p');
    OK(mallow_map_end(&map));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_have_any_offset_and_length),
        cmocka_unit_test(paths_are_opened_and_created),
        cmocka_unit_test(extended_files_have_their_space),
        cmocka_unit_test(files_of_three_gibibytes_are_sparse),
        cmocka_unit_test(two_mappings_show_one_file),
        cmocka_unit_test(devices_are_mapped),
        cmocka_unit_test(memory_is_zeroed_and_named),
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(shared_memory_reaches_children),
        cmocka_unit_test(descriptors_of_shared_memory_can_be_mapped),
        cmocka_unit_test(seals_bind_all_processes),
        cmocka_unit_test(private_memory_is_copied_by_a_fork),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
