/* Reading and writing mappings whose file shrinks, whose disk is full, or whose pages are
 * protected. Each test that faults runs in a child, because cmocka has handlers of its own. */
#include "map_test.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>

#include "base/kernel_file.h"

static size_t page;
static struct mallow_map map;
static char buffer[6 * 65536];

static bool disk_is_full;
bool __real_kernel_is_disk_full(int fd);
bool __wrap_kernel_is_disk_full(int fd) { return disk_is_full || __real_kernel_is_disk_full(fd); }

#define IS(call, its_result) MUST((call) == (its_result))
#define READ_BYTES(offset, bytes) mallow_map_read(&map, offset, buffer, bytes)
#define WRITE_BYTES(offset, bytes) mallow_map_write(&map, offset, buffer, bytes)

static void make(int fd, size_t offset, size_t bytes, unsigned how) {
    signal(SIGSEGV, SIG_DFL);
    signal(SIGBUS, SIG_DFL);
    IS(mallow_map_descriptor(fd, offset, bytes, how, &map), MALLOW_OK);
}

static const unsigned modes[] = {MALLOW_MAP_READ, MALLOW_MAP_PRIVATE, MALLOW_MAP_WRITE};

/* ---- without faults ---- */

static void bytes_are_copied(void **state) {
    (void)state;
    int fd = make_unlinked(false, 3 * page);
    make(fd, 5, 3 * page - 5, MALLOW_MAP_WRITE);
    OK(READ_BYTES(page, page + 1));
    for (size_t i = 0; i <= page; i++) assert_int_equal(buffer[i], byte_at(5 + page + i));
    memset(buffer, 'x', sizeof buffer);
    OK(WRITE_BYTES(1, 2 * page));
    char byte;
    for (size_t i = 5; i < 3 * page; i++) {
        assert_int_equal(pread(fd, &byte, 1, (off_t)i), 1);
        assert_int_equal(byte, i >= 6 && i < 6 + 2 * page ? 'x' : byte_at(i));
    }
    errno = EDOM;
    OK(mallow_map_read(&map, map.bytes, NULL, 0));
    OK(mallow_map_write(&map, 0, NULL, 0));
    assert_int_equal(errno, EDOM);
    OK(mallow_map_end(&map));
    close(fd);
}

static void memory_and_devices_are_copied(void **state) {
    (void)state;
    OK(mallow_map_memory(100, 0, NULL, &map));
    OK(WRITE_BYTES(0, 100));
    OK(READ_BYTES(0, 100));
    OK(mallow_map_end(&map));
    OK(mallow_map_file("/dev/zero", 0, 100, MALLOW_MAP_WRITE, &map));
    OK(WRITE_BYTES(0, 100));
    OK(READ_BYTES(0, 100));
    OK(mallow_map_end(&map));
}

/* ---- truncation ---- */

static void check_truncated(bool on_tmpfs, unsigned how) {
    int fd = make_unlinked(on_tmpfs, 5 * page);
    make(fd, 0, 5 * page, how);
    MUST(ftruncate(fd, (off_t)(2 * page + 10)) == 0);
    errno = 0;
    IS(READ_BYTES(0, 2 * page + 10), MALLOW_OK);
    IS(READ_BYTES(2 * page, 11), MALLOW_TRUNCATED); /* in the last page, where nothing faults */
    MUST(errno == ENODATA && mallow_last_error().wanted == 1);
    IS(READ_BYTES(3 * page, 1), MALLOW_TRUNCATED);
    IS(READ_BYTES(page, 4 * page), MALLOW_TRUNCATED);
    IS(READ_BYTES(page, page), MALLOW_OK);
    if (how != MALLOW_MAP_READ) {
        IS(WRITE_BYTES(2 * page, 11), MALLOW_TRUNCATED);
        IS(WRITE_BYTES(4 * page, 1), MALLOW_TRUNCATED);
        IS(WRITE_BYTES(0, 5 * page), MALLOW_TRUNCATED);
        IS(WRITE_BYTES(0, page), MALLOW_OK);
    }
    MUST(strcmp(mallow_error_text(MALLOW_TRUNCATED),
                how == MALLOW_MAP_READ ? "mallow_map_read: the file has become shorter than its "
                                         "mapping"
                                       : "mallow_map_write: the file has become shorter than its "
                                         "mapping") == 0);
    MUST(ftruncate(fd, (off_t)(5 * page)) == 0);
    IS(READ_BYTES(0, 5 * page), MALLOW_OK); /* the file has these bytes again */
    IS(mallow_map_end(&map), MALLOW_OK);
    close(fd);
}

static void truncate_all(void) {
    for (int i = 0; i < 6; i++) check_truncated(i >= 3, modes[i % 3]);
}

static void truncation_is_reported(void **state) {
    (void)state;
    assert_int_equal(in_child(truncate_all), 0);
}

/* Bytes that the file never had are not missing. */
static void read_after_the_end(void) {
    for (int i = 0; i < 2; i++) {
        int fd = make_unlinked(false, 10);
        make(fd, 0, 3 * page, modes[i]);
        IS(READ_BYTES(0, 3 * page), MALLOW_OK);
        MUST(ftruncate(fd, 5) == 0);
        IS(READ_BYTES(10, 2 * page), MALLOW_OK);
        IS(READ_BYTES(2 * page, 10), MALLOW_OK);
        IS(READ_BYTES(9, 1), MALLOW_TRUNCATED);
        IS(READ_BYTES(0, 3 * page), MALLOW_TRUNCATED);
        IS(READ_BYTES(0, 5), MALLOW_OK);
        close(fd);
    }
}

static void bytes_after_the_end_are_not_missing(void **state) {
    (void)state;
    assert_int_equal(in_child(read_after_the_end), 0);
}

/* Another process changes the length repeatedly during the test. */
static void race(void) {
    int fd = make_unlinked(false, 4 * page);
    make(fd, 0, 4 * page, MALLOW_MAP_WRITE);
    pid_t child = fork();
    if (child == 0)
        for (;;) {
            MUST(ftruncate(fd, 0) == 0);
            MUST(ftruncate(fd, (off_t)(4 * page)) == 0);
        }
    int whole = 0, truncated = 0;
    for (int i = 0; i < 4000 || whole == 0 || truncated == 0; i++) {
        enum mallow_result result = i % 2 == 0 ? READ_BYTES(0, 4 * page) : WRITE_BYTES(0, 4 * page);
        whole += result == MALLOW_OK;
        truncated += result == MALLOW_TRUNCATED;
        /* The length can change between the fault and the check of the length. */
        MUST(result == MALLOW_OK || result == MALLOW_TRUNCATED || result == MALLOW_SYSTEM_ERROR);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(fd);
}

static void concurrent_truncation_never_kills(void **state) {
    (void)state;
    assert_int_equal(in_child(race), 0);
}

/* ---- other faults ---- */

static void read_protected(void) {
    signal(SIGSEGV, SIG_DFL);
    IS(mallow_map_memory(3 * page, 0, NULL, &map), MALLOW_OK);
    IS(mallow_map_protect(&map, page, page, MALLOW_MAP_CAN_READ), MALLOW_OK);
    IS(WRITE_BYTES(0, page), MALLOW_OK);
    IS(WRITE_BYTES(0, page + 1), MALLOW_DENIED);
    MUST(errno == EACCES);
    IS(READ_BYTES(0, 3 * page), MALLOW_OK);
    IS(mallow_map_protect(&map, page, page, MALLOW_MAP_NO_ACCESS), MALLOW_OK);
    IS(READ_BYTES(0, 3 * page), MALLOW_DENIED);
    IS(mallow_map_protect(&map, page, page, MALLOW_MAP_CAN_WRITE), MALLOW_OK);
    IS(WRITE_BYTES(0, 3 * page), MALLOW_OK);
}

static void write_to_full_disk(void) {
    int fd = make_unlinked(false, 3 * page);
    make(fd, 0, 3 * page, MALLOW_MAP_WRITE);
    /* The access faults although the file is complete: pages of another file are mapped in its
     * place. */
    int other = make_unlinked(false, 1);
    MUST(mmap((char *)map.data + page, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
              other, 0) != MAP_FAILED);
    IS(WRITE_BYTES(0, 3 * page), MALLOW_SYSTEM_ERROR);
    MUST(errno == EIO);
    MUST(strcmp(mallow_error_text(MALLOW_SYSTEM_ERROR),
                "mallow_map_write: a system call failed: the device failed to read or store a "
                "page") == 0);
    disk_is_full = true;
    IS(WRITE_BYTES(0, 3 * page), MALLOW_NO_SPACE);
    MUST(errno == ENOSPC);
    MUST(strcmp(mallow_error_text(MALLOW_NO_SPACE), "mallow_map_write: the disk is full") == 0);
}

static void a_fault_elsewhere(void) {
    int fd = make_unlinked(false, page);
    make(fd, 0, page, MALLOW_MAP_READ);
    IS(READ_BYTES(0, 1), MALLOW_OK);
    mallow_map_read(&map, 0, (char *)1, 1);
}

static void a_fault_above(void) {
    char *above = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    make(make_unlinked(false, page), 0, page, MALLOW_MAP_READ);
    if (above < (char *)map.data) _exit(77);
    mallow_map_read(&map, 0, above, 1);
}

static void other_faults_are_told_apart(void **state) {
    (void)state;
    assert_int_equal(in_child(read_protected), 0);
    assert_int_equal(in_child(write_to_full_disk), 0);
    assert_int_equal(WTERMSIG(in_child(a_fault_elsewhere)), SIGSEGV);
    int status = in_child(a_fault_above);
    assert_true(WTERMSIG(status) == SIGSEGV || WEXITSTATUS(status) == 77);
}

/* A file system of two pages in a mount namespace of the child. */
static void fill_disk(void) {
    char options[64];
    snprintf(options, sizeof options, "size=%zu", 2 * page);
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("mallow", "/mnt", "tmpfs", 0, options) != 0)
        _exit(77);
    struct mallow_map full;
    IS(mallow_map_file("/mnt/file", 0, 4 * page, MALLOW_MAP_WRITE | MALLOW_MAP_CREATE, &full),
       MALLOW_NO_SPACE);
    MUST(strcmp(mallow_error_text(MALLOW_NO_SPACE),
                "mallow_map_file: the disk is full: fallocate: "
                "No space left on device") == 0);
    IS(mallow_map_file("/mnt/sparse", 0, 4 * page,
                       MALLOW_MAP_WRITE | MALLOW_MAP_CREATE | MALLOW_MAP_SPARSE, &map),
       MALLOW_OK);
    signal(SIGBUS, SIG_DFL);
    IS(WRITE_BYTES(0, page), MALLOW_OK);
    IS(WRITE_BYTES(0, 4 * page), MALLOW_NO_SPACE);
}

static void a_full_disk_is_reported(void **state) {
    (void)state;
    int status = in_child(fill_disk);
    if (WEXITSTATUS(status) == 77) skip();
    assert_int_equal(status, 0);
}

/* ---- the program's handlers ---- */

static void on_bus(int signal) {
    (void)signal;
    _exit(42);
}

static void replace_handler(void) {
    int fd = make_unlinked(false, 2 * page);
    make(fd, 0, 2 * page, MALLOW_MAP_READ);
    MUST(ftruncate(fd, 1) == 0);
    IS(READ_BYTES(page, 1), MALLOW_TRUNCATED);
    signal(SIGBUS, on_bus);
    IS(READ_BYTES(page, 1), MALLOW_TRUNCATED);
    (void)*(volatile char *)((char *)map.data + page); /* the program's own fault */
}

static void exhaust_handlers(void) {
    make(make_unlinked(false, 2), 0, 2, MALLOW_MAP_READ);
    for (int i = 1; i <= 9; i++) {
        struct sigaction action = {.sa_handler = on_bus};
        sigaddset(&action.sa_mask, i);
        sigaction(SIGBUS, &action, NULL);
        if (READ_BYTES(0, 1) != MALLOW_OK) break;
    }
    MUST(errno == ENOSPC);
    MUST(strcmp(mallow_error_text(MALLOW_UNSUPPORTED),
                "mallow_map_read: the kernel or the file does not support this: sigaction: No "
                "space left on device: the program has installed too many handlers") == 0);
}

static void the_program_may_have_handlers(void **state) {
    (void)state;
    assert_int_equal(WEXITSTATUS(in_child(replace_handler)), 42);
    assert_int_equal(in_child(exhaust_handlers), 0);
}

static int measure(void **state) {
    (void)state;
    page = kernel_page();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_copied),
        cmocka_unit_test(memory_and_devices_are_copied),
        cmocka_unit_test(truncation_is_reported),
        cmocka_unit_test(bytes_after_the_end_are_not_missing),
        cmocka_unit_test(concurrent_truncation_never_kills),
        cmocka_unit_test(other_faults_are_told_apart),
        cmocka_unit_test(a_full_disk_is_reported),
        cmocka_unit_test(the_program_may_have_handlers),
    };
    return cmocka_run_group_tests(tests, measure, NULL);
}
