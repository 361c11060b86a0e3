/* Finds the memory limit of the process's control groups and what is left of it, in versions 1 and
 * 2 and inside containers. */
#include "unit.h"

#include <string.h>

#include "base/numbers.h"
#include "os/cgroup.h"
#include "os/os.h"

static struct file {
    const char *path, *text;
} files[8];

long __wrap_os_read_file(const char *path, char *buffer, size_t bytes);
long __wrap_os_read_file(const char *path, char *buffer, size_t bytes) {
    for (struct file *file = files; file->path != NULL; file++) {
        if (strcmp(file->path, path) != 0) continue;
        size_t length = min_size(strlen(file->text), bytes);
        memcpy(buffer, file->text, length);
        return (long)length;
    }
    return -1;
}

static void set_files(size_t count, const struct file *some) {
    memset(files, 0, sizeof files);
    memcpy(files, some, count * sizeof *some);
}
#define SET_FILES(...)                               \
    do {                                             \
        const struct file list[] = {__VA_ARGS__};    \
        set_files(sizeof list / sizeof *list, list); \
    } while (0)

static void no_group_is_no_limit(void **state) {
    (void)state;
    memset(files, 0, sizeof files);
    assert_int_equal(cgroup_memory().limit, SIZE_MAX);
    SET_FILES({"/proc/self/cgroup", "0::/a\n"});
    assert_int_equal(cgroup_memory().limit, SIZE_MAX);
    SET_FILES({"/proc/self/cgroup", "0::/a\n"}, {"/sys/fs/cgroup/a/memory.max", "max\n"});
    assert_int_equal(cgroup_memory().limit, SIZE_MAX);
    SET_FILES({"/proc/self/cgroup", "0::/a\n"}, {"/sys/fs/cgroup/a/memory.max", ""});
    assert_int_equal(cgroup_memory().limit, SIZE_MAX);
}

static void the_lowest_limit_of_all_parents_counts(void **state) {
    (void)state;
    SET_FILES({"/proc/self/cgroup", "0::/a/b/c\n"}, {"/sys/fs/cgroup/a/b/c/memory.max", "max\n"},
              {"/sys/fs/cgroup/a/b/memory.max", "3000\n"},
              {"/sys/fs/cgroup/a/memory.max", "2000\n"}, {"/sys/fs/cgroup/b/memory.max", "1\n"});
    assert_int_equal(cgroup_memory().limit, 2000);
}

/* In a container the root of the mounted file system is the group. */
static void the_root_may_be_the_group(void **state) {
    (void)state;
    SET_FILES({"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/memory.max", "536870912\n"});
    assert_int_equal(cgroup_memory().limit, 512 * MIB);
    SET_FILES({"/proc/self/cgroup", "0::/../else\n"}, {"/sys/fs/cgroup/memory.max", "7000"});
    assert_int_equal(cgroup_memory().limit, 7000);
}

static char folders[200];

static void add_folder(void *to, const char *folder) {
    (void)to;
    strcat(strcat(folders, folder), " ");
}

static void all_folders_are_named(void **state) {
    (void)state;
    static struct cgroup_buffers buffers;
    SET_FILES({"/proc/self/cgroup", "4:memory:/m/n\n0::/\n"});
    *folders = '\0';
    cgroup_each_folder(&buffers, add_folder, NULL);
    assert_string_equal(folders,
                        "/sys/fs/cgroup /sys/fs/cgroup/memory/m/n "
                        "/sys/fs/cgroup/memory/m /sys/fs/cgroup/memory ");
}

static void version_1_is_read_too(void **state) {
    (void)state;
    SET_FILES({"/proc/self/cgroup", "5:devices:/x\n4:memory:/m/n\n1:cpu:/y\n0::/\n"},
              {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"},
              {"/sys/fs/cgroup/memory/m/n/memory.limit_in_bytes", "4096000\n"},
              {"/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "1\n"});
    assert_int_equal(cgroup_memory().limit, 4096000);
    SET_FILES({"/proc/self/cgroup", "4:memory:/m\n"},
              {"/sys/fs/cgroup/memory/m/memory.limit_in_bytes", "9223372036854771712\n"});
    assert_int_equal(cgroup_memory().limit, SIZE_MAX);
    SET_FILES({"/proc/self/cgroup", "4:memory:/m\n"},
              {"/sys/fs/cgroup/memory/m/memory.limit_in_bytes", "99999999999999999999999\n"});
    assert_int_equal(cgroup_memory().limit, SIZE_MAX);
}

/* Page caches do not count as used, but shared memory does, although it is part of "file". The
 * group with the least memory left counts, even if its limit is not the lowest. */
static void memory_in_use_is_not_left(void **state) {
    (void)state;
    SET_FILES({"/proc/self/cgroup", "0::/a/b\n"}, {"/sys/fs/cgroup/a/b/memory.max", "2000\n"},
              {"/sys/fs/cgroup/a/b/memory.stat", "anon 300\nfile 1600\nshmem 70\n"},
              {"/sys/fs/cgroup/a/memory.max", "3000\n"},
              {"/sys/fs/cgroup/a/memory.stat", "anon 2900\nfile 10\n"});
    assert_int_equal(cgroup_memory().limit, 2000);
    assert_int_equal(cgroup_memory().left, 100);
    SET_FILES({"/proc/self/cgroup", "0::/a\n"}, {"/sys/fs/cgroup/a/memory.max", "2000\n"},
              {"/sys/fs/cgroup/a/memory.stat", "anon 300\nfile 1600\nshmem 70\nfile_shmem 9\n"});
    assert_int_equal(cgroup_memory().left, 1630);
    SET_FILES({"/proc/self/cgroup", "4:memory:/m\n"},
              {"/sys/fs/cgroup/memory/m/memory.limit_in_bytes", "5000\n"},
              {"/sys/fs/cgroup/memory/m/memory.stat",
               "rss 1\nshmem 2\ncache 4000\ntotal_rss 700\ntotal_shmem 50\n"});
    assert_int_equal(cgroup_memory().left, 4250);
    SET_FILES({"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/memory.max", "1000\n"},
              {"/sys/fs/cgroup/memory.stat", "anon 1200\n"});
    assert_int_equal(cgroup_memory().left, 0);
    SET_FILES({"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/memory.max", "1000\n"});
    assert_int_equal(cgroup_memory().left, 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_group_is_no_limit),
        cmocka_unit_test(the_lowest_limit_of_all_parents_counts),
        cmocka_unit_test(the_root_may_be_the_group),
        cmocka_unit_test(all_folders_are_named),
        cmocka_unit_test(version_1_is_read_too),
        cmocka_unit_test(memory_in_use_is_not_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
