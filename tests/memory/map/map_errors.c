/* Each error of mallow/map.h and its text. */
#include "map_test.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "../../support/seccomp.h"
#include "base/watch.h"

static struct mallow_map map;

/* In a child, compares the error's text. */
#define TEXT(call, its_result, text)                                                      \
    do {                                                                                  \
        enum mallow_result text_result = (call);                                          \
        const char *text_is = mallow_error_text(text_result);                             \
        if (text_result != (its_result) || strcmp(text_is, text) != 0) {                  \
            fprintf(stderr, "%s:%d: %d: %s\n", __FILE__, __LINE__, text_result, text_is); \
            _exit(1);                                                                     \
        }                                                                                 \
    } while (0)

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static bool starts_with(const char *text, const char *start) {
    return strncmp(text, start, strlen(start)) == 0;
}

static void set_limit(int resource, rlim_t value) {
    struct rlimit limit;
    MUST(syscall(SYS_prlimit64, 0, resource, NULL, &limit) == 0);
    limit.rlim_cur = value;
    MUST(syscall(SYS_prlimit64, 0, resource, &limit, NULL) == 0);
}

/* ---- limits ---- */

static void lower_address_space(void) {
    set_limit(RLIMIT_AS, 1 << 20);
    MUST(mallow_map_memory((size_t)64 << 20, 0, NULL, &map) == MALLOW_AT_LIMIT);
    MUST(errno == ENOMEM && mallow_last_error().limit == MALLOW_LIMIT_ADDRESS_SPACE);
    const char *text = mallow_error_text(MALLOW_AT_LIMIT);
    MUST(starts_with(text, "mallow_map_memory: RLIMIT_AS is 1024 KiB, "));
    MUST(ends_with(text,
                   " KiB are used, and 65536 KiB more are needed: raise it with ulimit -v or "
                   "prlimit"));
}

static void lower_data(void) {
    set_limit(RLIMIT_DATA, 1 << 20);
    MUST(mallow_map_memory((size_t)64 << 20, 0, NULL, &map) == MALLOW_AT_LIMIT);
    MUST(mallow_last_error().limit == MALLOW_LIMIT_DATA);
    const char *text = mallow_error_text(MALLOW_AT_LIMIT);
    MUST(starts_with(text, "mallow_map_memory: RLIMIT_DATA is 1024 KiB, "));
    MUST(ends_with(text, "raise it with ulimit -d or prlimit"));
    int fd = make_unlinked(false, 10); /* pages of a file do not count */
    MUST(mallow_map_descriptor(fd, 0, 10, MALLOW_MAP_READ, &map) == MALLOW_OK);
}

static void lower_file_size(void) {
    int fd = make_unlinked(false, 1024);
    set_limit(RLIMIT_FSIZE, 4096);
    TEXT(
        mallow_map_descriptor(fd, 0, 11264, MALLOW_MAP_WRITE, &map), MALLOW_AT_LIMIT,
        "mallow_map_descriptor: RLIMIT_FSIZE is 4 KiB, 1 KiB are used, and 10 KiB more are needed: "
        "raise it with ulimit -f or prlimit");
    MUST(errno == EFBIG && size_of(fd) == 1024);
    MUST(mallow_map_descriptor(fd, 0, 4096, MALLOW_MAP_WRITE, &map) == MALLOW_OK);
    TEXT(
        mallow_map_resize(&map, 4097, MALLOW_MAP_MAY_MOVE), MALLOW_AT_LIMIT,
        "mallow_map_resize: RLIMIT_FSIZE is 4 KiB, 4 KiB are used, and 1 KiB more are needed: raise "
        "it with ulimit -f or prlimit");
    MUST(map.bytes == 4096);
    TEXT(
        mallow_map_shared(5120, 0, NULL, &map, NULL), MALLOW_AT_LIMIT,
        "mallow_map_shared: RLIMIT_FSIZE is 4 KiB, 0 KiB are used, and 5 KiB more are needed: raise "
        "it with ulimit -f or prlimit");
}

static void lower_descriptors(void) {
    int fd = make_unlinked(false, 10), other;
    char text[200];
    set_limit(RLIMIT_NOFILE, (rlim_t)fd + 1);
    snprintf(text, sizeof text,
             ": RLIMIT_NOFILE is %d descriptors, %d descriptors are used, and 1 descriptors more "
             "are needed: raise it with ulimit -n or prlimit",
             fd + 1, fd + 1);
    MUST(mallow_map_file("/dev/zero", 0, 10, MALLOW_MAP_READ, &map) == MALLOW_AT_LIMIT);
    MUST(errno == EMFILE && ends_with(mallow_error_text(MALLOW_AT_LIMIT), text));
    MUST(mallow_map_descriptor(fd, 0, 10, MALLOW_MAP_READ, &map) == MALLOW_AT_LIMIT);
    MUST(ends_with(mallow_error_text(MALLOW_AT_LIMIT), text));
    MUST(mallow_map_shared(10, 0, NULL, &map, NULL) == MALLOW_AT_LIMIT);
    set_limit(RLIMIT_NOFILE, (rlim_t)fd + 2);
    MUST(mallow_map_shared(10, 0, NULL, &map, &other) == MALLOW_AT_LIMIT);
    MUST(starts_with(mallow_error_text(MALLOW_AT_LIMIT), "mallow_map_shared: RLIMIT_NOFILE"));
    MUST(mallow_map_descriptor(fd, 0, 10, MALLOW_MAP_READ, &map) == MALLOW_OK); /* no leak */
}

static void exhaust_mappings(void) {
    char maximum[32];
    size_t page = kernel_page(), i = 0;
    MUST(kernel_read_file("/proc/sys/vm/max_map_count", maximum, sizeof maximum) > 0);
    size_t count = strtoul(maximum, NULL, 10);
    if (count > 100000) _exit(77);
    struct mallow_map many;
    MUST(mallow_map_memory(2 * count * page, 0, NULL, &many) == MALLOW_OK);
    while (i < count && mallow_map_protect(&many, 2 * i * page, 1, MALLOW_MAP_NO_ACCESS) == 0) i++;
    MUST(i < count && errno == ENOMEM);
    MUST(mallow_last_error().limit == MALLOW_LIMIT_MAPPINGS);
    const char *text = mallow_error_text(MALLOW_AT_LIMIT);
    MUST(starts_with(text, "mallow_map_protect: vm.max_map_count is "));
    MUST(ends_with(text,
                   " mappings are used, and 1 mappings more are needed: raise it with sysctl"));
}

static void exhaust_huge_pages(void) {
    char text[4096], expected[200];
    if (kernel_read_file("/proc/meminfo", text, sizeof text) <= 0) _exit(77);
    const char *total_at = strstr(text, "HugePages_Total:"),
               *size_at = strstr(text, "Hugepagesize:");
    if (total_at == NULL || size_at == NULL) _exit(77);
    size_t total = strtoul(total_at + 16, NULL, 10), size = strtoul(size_at + 13, NULL, 10) * 1024;
    size_t used = total - strtoul(strstr(text, "HugePages_Free:") + 15, NULL, 10) +
                  strtoul(strstr(text, "HugePages_Rsvd:") + 15, NULL, 10);
    snprintf(expected, sizeof expected,
             "mallow_map_memory: vm.nr_hugepages is %zu pages, %zu pages are used, and %zu pages "
             "more are needed: raise it with sysctl",
             total, used, total + 1);
    TEXT(mallow_map_memory(total * size + 1, MALLOW_MAP_HUGE, NULL, &map), MALLOW_AT_LIMIT,
         expected);
    MUST(mallow_map_shared(total * size + 1, MALLOW_MAP_HUGE, NULL, &map, NULL) == MALLOW_AT_LIMIT);
    MUST(mallow_last_error().limit == MALLOW_LIMIT_HUGE_PAGES);
    if (total == used) return;
    MUST(mallow_map_memory(10, MALLOW_MAP_HUGE, NULL, &map) == MALLOW_OK);
    memset(map.data, 1, 10);
    MUST(mallow_map_end(&map) == MALLOW_OK);
}

static void limits_are_named(void **state) {
    (void)state;
    if (watch_is_on()) skip(); /* AddressSanitizer needs memory of its own */
    assert_int_equal(in_child(lower_address_space), 0);
    assert_int_equal(in_child(lower_data), 0);
    assert_int_equal(in_child(lower_file_size), 0);
    assert_int_equal(in_child(lower_descriptors), 0);
    int status = in_child(exhaust_mappings);
    assert_true(status == 0 || WEXITSTATUS(status) == 77);
    status = in_child(exhaust_huge_pages);
    assert_true(status == 0 || WEXITSTATUS(status) == 77);
}

/* ---- files ---- */

static void files_that_cannot_be_mapped(void **state) {
    (void)state;
    int pair[2], descriptors = count_descriptors();
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    FAILS(mallow_map_descriptor(pair[0], 0, 1, MALLOW_MAP_READ, &map), MALLOW_UNSUPPORTED,
          "mallow_map_descriptor: the kernel or the file does not support this: only files and "
          "devices can be mapped");
    assert_int_equal(errno, ENODEV);
    FAILS(mallow_map_file("/tmp", 0, 1, MALLOW_MAP_READ, &map), MALLOW_UNSUPPORTED,
          "mallow_map_file: the kernel or the file does not support this: only files and devices "
          "can be mapped");
    assert_int_equal(errno, EISDIR);
    FAILS(mallow_map_file("/tmp", 0, 1, MALLOW_MAP_WRITE, &map), MALLOW_UNSUPPORTED,
          "mallow_map_file: the kernel or the file does not support this: open: Is a directory: "
          "only files and devices can be mapped");
    char fifo[] = "/tmp/mallow.fifo.XXXXXX";
    assert_non_null(mkdtemp(fifo));
    rmdir(fifo);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(mallow_map_file(fifo, 0, 1, MALLOW_MAP_READ, &map), MALLOW_UNSUPPORTED);
    unlink(fifo);
    FAILS(mallow_map_file("/dev/zero", 0, MALLOW_MAP_ALL, MALLOW_MAP_READ, &map),
          MALLOW_BAD_ARGUMENT,
          "mallow_map_file: an argument has no meaning: the device has no known length: pass the "
          "number of bytes");
    FAILS(
        mallow_map_file("/dev/null", 0, 1, MALLOW_MAP_READ, &map), MALLOW_UNSUPPORTED,
        "mallow_map_file: the kernel or the file does not support this: mmap: No such device: the "
        "file cannot be mapped: use read(2) and write(2)");
    FAILS(mallow_map_file("/tmp/mallow/none", 0, 1, MALLOW_MAP_READ, &map), MALLOW_NOT_FOUND,
          "mallow_map_file: there is none: open: No such file or directory");
    FAILS(mallow_map_descriptor(-1, 0, 1, MALLOW_MAP_READ, &map), MALLOW_BAD_ARGUMENT,
          "mallow_map_descriptor: an argument has no meaning: fcntl: Bad file descriptor");
    close(pair[0]);
    close(pair[1]);
    assert_int_equal(count_descriptors(), descriptors);
}

static char read_only_path[64];
static void open_as_nobody(void) {
    MUST(getuid() != 0 || setuid(65534) == 0);
    TEXT(mallow_map_file(read_only_path, 0, 1, MALLOW_MAP_WRITE, &map), MALLOW_DENIED,
         "mallow_map_file: a permission is missing: open: Permission denied");
    MUST(errno == EACCES);
    MUST(mallow_map_file(read_only_path, 0, 1, MALLOW_MAP_PRIVATE, &map) == MALLOW_OK);
}

static void access_that_is_not_allowed(void **state) {
    (void)state;
    int fd = make_file(false, 10, read_only_path), other;
    fchmod(fd, 0444);
    assert_int_equal(in_child(open_as_nobody), 0);
    other = open(read_only_path, O_RDONLY | O_CLOEXEC);
    FAILS(mallow_map_descriptor(other, 0, 20, MALLOW_MAP_WRITE, &map), MALLOW_DENIED,
          "mallow_map_descriptor: a permission is missing: open the file for reading and writing "
          "(O_RDWR)");
    assert_int_equal(size_of(fd), 10);
    close(other);
    fchmod(fd, 0644);
    other = open(read_only_path, O_WRONLY | O_CLOEXEC);
    FAILS(mallow_map_descriptor(other, 0, 1, MALLOW_MAP_READ, &map), MALLOW_DENIED,
          "mallow_map_descriptor: a permission is missing: open the file for reading");
    close(other);
    other = open(read_only_path, O_PATH | O_CLOEXEC);
    assert_int_equal(mallow_map_descriptor(other, 0, 1, MALLOW_MAP_READ, &map), MALLOW_DENIED);
    close(other);
    if (getuid() == 0)
        FAILS(mallow_map_file("/proc/self/exe", 0, 1, MALLOW_MAP_WRITE, &map), MALLOW_DENIED,
              "mallow_map_file: a permission is missing: open: Text file busy");
    unlink(read_only_path);
    close(fd);
}

/* ---- refusals ---- */

static void refuse_calls(void) {
    struct mallow_map_pages counts;
    struct mallow_map_shares sharing;
    MUST(mallow_map_memory(3 * kernel_page(), 0, NULL, &map) == MALLOW_OK);
    if (!filter_call(SYS_mincore, SECCOMP_RET_ERRNO | EPERM)) _exit(77);
    TEXT(mallow_map_residency(&map, 0, 1, &counts, NULL, 0), MALLOW_DENIED,
         "mallow_map_residency: a permission is missing: mincore: Operation not permitted");
    MUST(filter_call(SYS_madvise, SECCOMP_RET_ERRNO | ENOSYS));
    TEXT(mallow_map_advise(&map, 0, 1, MALLOW_MAP_NORMAL), MALLOW_UNSUPPORTED,
         "mallow_map_advise: the kernel or the file does not support this: madvise: Function not "
         "implemented");
    TEXT(mallow_map_sharing(&map, kernel_page(), 1, &sharing), MALLOW_UNSUPPORTED,
         "mallow_map_sharing: the kernel or the file does not support this: madvise: Function not "
         "implemented");
    MUST(filter_call(SYS_memfd_create, SECCOMP_RET_ERRNO | ENOSYS));
    TEXT(mallow_map_shared(1, 0, NULL, &map, NULL), MALLOW_UNSUPPORTED,
         "mallow_map_shared: the kernel or the file does not support this: memfd_create: Function "
         "not implemented");
    MUST(filter_call(SYS_rt_sigaction, SECCOMP_RET_ERRNO | EPERM));
    char byte;
    TEXT(mallow_map_read(&map, 0, &byte, 1), MALLOW_DENIED,
         "mallow_map_read: a permission is missing: sigaction: Operation not permitted");
}

static void hide_proc(void) {
    struct mallow_map_shares sharing;
    size_t page = kernel_page();
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("mallow", "/proc", "tmpfs", 0, NULL) != 0)
        _exit(77);
    MUST(mallow_map_memory(page, 0, NULL, &map) == MALLOW_OK);
    TEXT(mallow_map_sharing(&map, 0, 1, &sharing), MALLOW_UNSUPPORTED,
         "mallow_map_sharing: the kernel or the file does not support this: open: No such file or "
         "directory: /proc is not mounted, or the kernel has no smaps");
    *(char *)map.data = 'a';
    void *after =
        mmap((char *)map.data + page, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(mallow_map_resize(&map, 3 * page, MALLOW_MAP_MAY_MOVE) ==
         MALLOW_OK); /* even if it moves */
    MUST(*(char *)map.data == 'a' && after != MAP_FAILED);
}

static void refusals_are_reported(void **state) {
    (void)state;
    int status = in_child(refuse_calls);
    assert_true(status == 0 || WEXITSTATUS(status) == 77);
    status = in_child(hide_proc);
    assert_true(status == 0 || WEXITSTATUS(status) == 77);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_are_named),
        cmocka_unit_test(files_that_cannot_be_mapped),
        cmocka_unit_test(access_that_is_not_allowed),
        cmocka_unit_test(refusals_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
