/* Each system call of a shared heap fails once, with each of several errors. The program gets an
 * error, loses no descriptor and no mapping, and the heap stays usable. */
#include "heap_test.h"

#include "../sanitized.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include "base/kernel.h"
#include "base/kernel_shared.h"
#include "rebooted.h"

/* ---- calls that fail ---- */

static long calls_left = -1; /* until the failure, or negative: none fails */
static int failure;
static const char *failed_call;

static bool fails(const char *name) {
    if (calls_left < 0 || calls_left-- != 0) return false;
    errno = failure;
    failed_call = name;
    return true;
}

#define MAY_FAIL(type, failed, name, parameters, arguments) \
    type __real_##name parameters;                          \
    type __wrap_##name parameters;                          \
    type __wrap_##name parameters { return fails(#name) ? (failed) : __real_##name arguments; }
MAY_FAIL(void *, NULL, kernel_map, (size_t bytes, const char *name), (bytes, name))
MAY_FAIL(int, -1, kernel_open_at, (int directory, const char *name, int flags, unsigned mode),
         (directory, name, flags, mode))
MAY_FAIL(int, -1, kernel_open_memory, (const char *name, int flags, unsigned mode),
         (name, flags, mode))
MAY_FAIL(int, -1, kernel_open_memfd, (const char *name), (name))
MAY_FAIL(int, -1, kernel_open_again, (int fd, bool read_only), (fd, read_only))
MAY_FAIL(bool, false, kernel_unlink_at, (int directory, const char *name), (directory, name))
MAY_FAIL(bool, false, kernel_unlink_memory, (const char *name), (name))
MAY_FAIL(bool, false, kernel_rename_at, (int directory, const char *from, const char *to),
         (directory, from, to))
MAY_FAIL(bool, false, kernel_describe, (int fd, struct kernel_file *file), (fd, file))
MAY_FAIL(bool, false, kernel_set_file_size, (int fd, uint64_t bytes), (fd, bytes))
MAY_FAIL(bool, false, kernel_set_file_mode, (int fd, unsigned mode), (fd, mode))
MAY_FAIL(bool, false, kernel_allocate, (int fd, uint64_t from, uint64_t to), (fd, from, to))
MAY_FAIL(bool, false, kernel_read_at, (int fd, void *to, size_t bytes, uint64_t offset),
         (fd, to, bytes, offset))
MAY_FAIL(bool, false, kernel_write_at, (int fd, const void *from, size_t bytes, uint64_t offset),
         (fd, from, bytes, offset))
MAY_FAIL(bool, false, kernel_find_data, (int fd, uint64_t *from, uint64_t *to), (fd, from, to))
MAY_FAIL(bool, false, kernel_sync_file, (int fd), (fd))
MAY_FAIL(void *, NULL, kernel_map_shared, (int fd, size_t bytes, bool read_only),
         (fd, bytes, read_only))
MAY_FAIL(bool, false, kernel_flush_shared, (void *p, size_t bytes), (p, bytes))

/* Unlocking cannot fail. */
bool __real_kernel_lock_byte(int fd, uint64_t byte, enum kernel_byte_lock lock, bool wait);
bool __wrap_kernel_lock_byte(int fd, uint64_t byte, enum kernel_byte_lock lock, bool wait);
bool __wrap_kernel_lock_byte(int fd, uint64_t byte, enum kernel_byte_lock lock, bool wait) {
    return (lock == KERNEL_BYTE_FREE || !fails("kernel_lock_byte")) &&
           __real_kernel_lock_byte(fd, byte, lock, wait);
}

/* ---- a story ---- */

static char path[64], name[64];
static int failures;
static char text[400];

/* Returns true if the result is MALLOW_OK. Counts other results, which must have details. */
static bool is_ok(enum mallow_result result) {
    if (result == MALLOW_OK) return true;
    if (result == MALLOW_NOT_FOUND && failed_call == NULL) return false;
    failures++;
    assert_int_not_equal(errno, 0);
    assert_int_equal(mallow_last_error().result, result);
    snprintf(text, sizeof text, "%s", mallow_error_text(result));
    return false;
}

static void use(struct mallow_shared *heap) {
    mallow_shared_handle handle;
    if (is_ok(mallow_shared_find_or_alloc(heap, "value", 100, &handle, NULL)))
        strcpy(mallow_shared_at(heap, handle), "value");
    if (is_ok(mallow_shared_alloc(heap, 70000, &handle)))
        assert_ok(mallow_shared_free(heap, handle));
}

static void use_file(enum mallow_shared_how how) {
    struct mallow_shared *heap = NULL;
    struct mallow_shared_options options = {.size = 1, .maximum = 1 << 18};
    if (!is_ok(mallow_shared_open_file(&heap, path, how, &options))) return;
    if (how != MALLOW_SHARED_READ_ONLY) use(heap);
    if (how != MALLOW_SHARED_READ_ONLY) is_ok(mallow_shared_commit(heap));
    check_heap(heap);
    is_ok(mallow_shared_close(heap));
}

static void lose_power(void) {
    boots++;
    struct mallow_shared *heap = NULL;
    if (is_ok(mallow_shared_open_file(&heap, path, MALLOW_SHARED_OPEN, NULL)))
        is_ok(mallow_shared_close(heap));
}

/* Leaves the file in the state in which a process leaves it that is killed after a commit. */
static void abandon(void) {
    static char image[1 << 20];
    struct mallow_shared *heap;
    long left = calls_left;
    calls_left = -1;
    if (mallow_shared_open_file(&heap, path, MALLOW_SHARED_OPEN, NULL) == MALLOW_OK) {
        mallow_shared_commit(heap);
        int fd = open(path, O_RDWR);
        ssize_t bytes = read(fd, image, sizeof image);
        assert_ok(mallow_shared_close(heap));
        assert_int_equal(pwrite(fd, image, (size_t)bytes, 0), bytes);
        close(fd);
    }
    calls_left = left;
}

static void use_memory(void) {
    struct mallow_shared *heap = NULL, *again = NULL;
    struct mallow_shared_options options = {.size = 1, .maximum = 1 << 18};
    if (is_ok(mallow_shared_open(&heap, name, MALLOW_SHARED_OPEN_OR_CREATE, &options))) {
        use(heap);
        if (is_ok(mallow_shared_open_fd(&again, mallow_shared_fd(heap), MALLOW_SHARED_OPEN, NULL)))
            is_ok(mallow_shared_close(again));
        is_ok(mallow_shared_close(heap));
        is_ok(mallow_shared_unlink(name));
    }
    if (is_ok(mallow_shared_memfd(&heap, &options))) {
        use(heap);
        is_ok(mallow_shared_close(heap));
    }
}

static void run(void) {
    use_file(MALLOW_SHARED_OPEN_OR_CREATE);
    use_file(MALLOW_SHARED_OPEN);
    use_file(MALLOW_SHARED_READ_ONLY);
    abandon();
    lose_power();
    use_memory();
    is_ok(mallow_shared_unlink_file(path));
}

static long entries(const char *directory) {
    long count = 0;
    DIR *stream = opendir(directory);
    assert_non_null(stream);
    while (readdir(stream) != NULL) count++;
    closedir(stream);
    return count;
}

static long lines(void) { return kernel_count_lines("/proc/self/maps"); }

/* Returns true if the function can succeed although this call fails. */
static bool is_tolerated(const char *call) {
    return strcmp(call, "kernel_open_again") == 0 || strcmp(call, "kernel_map_shared") == 0 ||
           strcmp(call, "kernel_lock_byte") == 0 || strcmp(call, "kernel_find_data") == 0 ||
           strcmp(call, "kernel_allocate") == 0 || strcmp(call, "kernel_unlink_at") == 0 ||
           strcmp(call, "kernel_set_file_size") == 0;
}

/* libc maps some memory at its first use, and AddressSanitizer at any time. */
#ifdef SANITIZED
#    define IS_SANITIZED true
#else
#    define IS_SANITIZED false
#endif

/* Starts with the call `first`, and continues with every `step`-th call. */
static void calls_fail_once(int error, long first, long step) {
    long n = first;
    failure = error;
    for (;; n += step) {
        long descriptors = entries("/proc/self/fd"), mappings = lines();
        calls_left = n;
        failures = 0;
        failed_call = NULL;
        run();
        if (failed_call == NULL) break;
        calls_left = -1;
        if (failures == 0 && !is_tolerated(failed_call)) fail_msg("%s", failed_call);
        assert_int_equal(entries("/proc/self/fd"), descriptors);
        assert_true(IS_SANITIZED || lines() <= mappings + 3);
        failures = 0;
        failed_call = NULL;
        use_file(MALLOW_SHARED_OPEN_OR_CREATE);
        is_ok(mallow_shared_unlink_file(path));
        if (failures != 0) fail_msg("call %ld, error %d: %s", n, error, text);
    }
    printf("%ld calls\n", n);
    assert_true(n > 60);
    calls_left = -1;
}

static void the_disk_is_full(void **state) {
    (void)state;
    calls_fail_once(ENOSPC, 0, 1);
}

static void memory_is_exhausted(void **state) {
    (void)state;
    calls_fail_once(ENOMEM, 0, 5);
}

static void permissions_are_missing(void **state) {
    (void)state;
    calls_fail_once(EACCES, 1, 5);
}

static void the_device_fails(void **state) {
    (void)state;
    calls_fail_once(EIO, 2, 5);
}

static void the_file_system_lacks_a_function(void **state) {
    (void)state;
    calls_fail_once(EOPNOTSUPP, 3, 5);
}

/* The texts name the call and its error. */
static void errors_have_texts(void **state) {
    (void)state;
    struct mallow_shared *heap = NULL;
    const struct {
        int error;
        enum mallow_result result;
        const char *text;
    } cases[] = {
        {EOPNOTSUPP, MALLOW_UNSUPPORTED,
         "mallow_shared_memfd: the kernel or the file does not support this: memfd_create: "
         "Operation not supported"},
        {EACCES, MALLOW_DENIED,
         "mallow_shared_memfd: a permission is missing: memfd_create: Permission denied"},
        {ENOSPC, MALLOW_NO_MEMORY,
         "mallow_shared_memfd: there is no memory: memfd_create: No space left on device"},
        {EIO, MALLOW_SYSTEM_ERROR,
         "mallow_shared_memfd: a system call failed: memfd_create: Input/output error"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        calls_left = 0;
        failure = cases[i].error;
        assert_int_equal(mallow_shared_memfd(&heap, NULL), cases[i].result);
        assert_int_equal(errno, cases[i].error);
        assert_string_equal(mallow_error_text(cases[i].result), cases[i].text);
    }
    calls_left = -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_disk_is_full),
        cmocka_unit_test(memory_is_exhausted),
        cmocka_unit_test(permissions_are_missing),
        cmocka_unit_test(the_device_fails),
        cmocka_unit_test(the_file_system_lacks_a_function),
        cmocka_unit_test(errors_have_texts),
    };
    snprintf(path, sizeof path, "/dev/shm/mallow-refused-%d", (int)getpid());
    snprintf(name, sizeof name, "/mallow-refused-memory-%d", (int)getpid());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
