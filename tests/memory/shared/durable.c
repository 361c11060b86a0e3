/*
 * Tests the order in which data reach the device, the files that a commit leaves, and the
 * attributes of the lock. After a power failure, the heap is right only if the steps have this
 * order, and no test can cut the power between them.
 */
#include "heap_test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/kernel_shared.h"
#include "rebooted.h"
#include "shared/image.h"

static char path[64], copy_path[80], new_path[80];

/* ---- a log of calls ----
 *
 * F  the page of the header is flushed, and is not sealed
 * W  blocks are written to a file
 * H  a header is written
 * u  a file is stored whose header is not sealed
 * s  a file is stored whose header is sealed
 * R  a file is renamed
 * D  a directory is stored
 */
static char calls[64];
static int rename_error;

static void note(char call) {
    size_t length = strlen(calls);
    if (length > 0 && calls[length - 1] == call) return;
    assert_true(length + 1 < sizeof calls);
    calls[length] = call;
    calls[length + 1] = '\0';
}

bool __real_kernel_flush_shared(void *p, size_t bytes);
bool __wrap_kernel_flush_shared(void *p, size_t bytes);
bool __wrap_kernel_flush_shared(void *p, size_t bytes) {
    assert_int_not_equal(((struct image_header *)p)->boot, 0);
    note('F');
    return __real_kernel_flush_shared(p, bytes);
}

bool __real_kernel_write_at(int fd, const void *from, size_t bytes, uint64_t offset);
bool __wrap_kernel_write_at(int fd, const void *from, size_t bytes, uint64_t offset);
bool __wrap_kernel_write_at(int fd, const void *from, size_t bytes, uint64_t offset) {
    note(offset == 0 ? 'H' : 'W');
    return __real_kernel_write_at(fd, from, bytes, offset);
}

bool __real_kernel_sync_file(int fd);
bool __wrap_kernel_sync_file(int fd);
bool __wrap_kernel_sync_file(int fd) {
    struct stat file;
    struct image_header header;
    assert_int_equal(fstat(fd, &file), 0);
    if (S_ISDIR(file.st_mode)) {
        note('D');
    } else {
        assert_int_equal(pread(fd, &header, sizeof header, 0), sizeof header);
        note(header.boot == 0 ? 's' : 'u');
    }
    return __real_kernel_sync_file(fd);
}

bool __real_kernel_rename_at(int directory, const char *from, const char *to);
bool __wrap_kernel_rename_at(int directory, const char *from, const char *to);
bool __wrap_kernel_rename_at(int directory, const char *from, const char *to) {
    note('R');
    if (rename_error == 0) return __real_kernel_rename_at(directory, from, to);
    errno = rename_error;
    return false;
}

/* ---- the lock ---- */

static int locks_made;

int __real_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes) {
    int is_shared = -1, is_robust = -1;
    assert_int_equal(pthread_mutexattr_getpshared(attributes, &is_shared), 0);
    assert_int_equal(pthread_mutexattr_getrobust(attributes, &is_robust), 0);
    assert_int_equal(is_shared, PTHREAD_PROCESS_SHARED);
    assert_int_equal(is_robust, PTHREAD_MUTEX_ROBUST);
    locks_made++;
    return __real_pthread_mutex_init(mutex, attributes);
}

/* ---- heaps ---- */

static struct mallow_shared *open_heap(enum mallow_shared_how how) {
    struct mallow_shared *heap = NULL;
    struct mallow_shared_options options = {.size = 1 << 18, .maximum = 1 << 20};
    assert_ok(mallow_shared_open_file(&heap, path, how, &options));
    return heap;
}

static void set_value(struct mallow_shared *heap, char value) {
    mallow_shared_handle handle;
    assert_ok(mallow_shared_find_or_alloc(heap, "value", 10000, &handle, NULL));
    memset(mallow_shared_at(heap, handle), value, 10000);
}

static int get_value(struct mallow_shared *heap) {
    mallow_shared_handle handle;
    assert_ok(mallow_shared_find(heap, "value", &handle));
    return *(char *)mallow_shared_at_checked(heap, handle, 10000);
}

static bool exists(const char *name) { return access(name, F_OK) == 0; }

/* Leaves the open heap as a power failure does when all pages have reached the device. */
static void lose_power(struct mallow_shared *heap) {
    static char image[4 << 20];
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t bytes = read(fd, image, sizeof image);
    assert_true(bytes > 0 && bytes < (ssize_t)sizeof image);
    assert_ok(mallow_shared_close(heap));
    assert_int_equal(pwrite(fd, image, (size_t)bytes, 0), bytes);
    close(fd);
    boots++;
    *calls = '\0';
}

/* Leaves a file as if a process was killed in a commit. It is longer than the next copy. */
static void leave_incomplete_copy(void) {
    static char garbage[3 << 20];
    memset(garbage, 'g', sizeof garbage);
    int fd = open(new_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, garbage, sizeof garbage), sizeof garbage);
    close(fd);
}

static int start(void **state) {
    (void)state;
    mallow_shared_unlink_file(path);
    rename_error = 0;
    *calls = '\0';
    return 0;
}

static int finish(void **state) {
    (void)state;
    mallow_shared_unlink_file(path);
    return exists(path) || exists(copy_path) || exists(new_path);
}

/* ---- tests ---- */

static void the_seal_is_removed_first_and_set_last(void **state) {
    (void)state;
    locks_made = 0;
    struct mallow_shared *heap = open_heap(MALLOW_SHARED_CREATE);
    assert_string_equal(calls, "HF");
    set_value(heap, 1);
    *calls = '\0';
    assert_ok(mallow_shared_close(heap));
    assert_string_equal(calls, "u");
    *calls = '\0';
    heap = open_heap(MALLOW_SHARED_OPEN);
    assert_string_equal(calls, "F");
    assert_ok(mallow_shared_close(heap));
    assert_int_equal(locks_made, 2);
}

static void a_commit_stores_the_copy_before_its_name(void **state) {
    (void)state;
    struct mallow_shared *heap = open_heap(MALLOW_SHARED_CREATE);
    set_value(heap, 1);
    *calls = '\0';
    assert_ok(mallow_shared_commit(heap));
    assert_string_equal(calls, "WHsRD");
    set_value(heap, 2);
    lose_power(heap);
    heap = open_heap(MALLOW_SHARED_OPEN);
    assert_string_equal(calls, "WuHsF");
    assert_int_equal(get_value(heap), 1);
    assert_ok(mallow_shared_close(heap));
}

static void an_incomplete_copy_is_replaced(void **state) {
    (void)state;
    struct mallow_shared *heap = open_heap(MALLOW_SHARED_CREATE), *copy = NULL;
    set_value(heap, 1);
    leave_incomplete_copy();
    assert_ok(mallow_shared_commit(heap));
    assert_false(exists(new_path));
    assert_ok(mallow_shared_open_file(&copy, copy_path, MALLOW_SHARED_READ_ONLY, NULL));
    assert_int_equal(get_value(copy), 1);
    assert_ok(mallow_shared_close(copy));
    set_value(heap, 2);
    leave_incomplete_copy(); /* it is no copy, so the power failure leaves the complete one */
    lose_power(heap);
    heap = open_heap(MALLOW_SHARED_OPEN);
    assert_int_equal(get_value(heap), 1);
    assert_ok(mallow_shared_close(heap));
}

static void an_incomplete_copy_is_removed_with_the_heap(void **state) {
    (void)state;
    struct mallow_shared *heap = open_heap(MALLOW_SHARED_CREATE);
    assert_ok(mallow_shared_commit(heap));
    leave_incomplete_copy();
    assert_ok(mallow_shared_close(heap));
    assert_ok(mallow_shared_unlink_file(path));
    assert_false(exists(path) || exists(copy_path) || exists(new_path));
    leave_incomplete_copy(); /* of a heap that was removed by unlink(2) */
    assert_ok(mallow_shared_close(open_heap(MALLOW_SHARED_CREATE)));
    assert_false(exists(new_path));
}

static void a_failed_commit_leaves_the_previous_copy(void **state) {
    (void)state;
    struct mallow_shared *heap = open_heap(MALLOW_SHARED_CREATE);
    set_value(heap, 1);
    assert_ok(mallow_shared_commit(heap));
    set_value(heap, 2);
    rename_error = EIO;
    assert_result(mallow_shared_commit(heap), MALLOW_SYSTEM_ERROR);
    assert_int_equal(errno, EIO);
    assert_false(exists(new_path));
    rename_error = 0;
    lose_power(heap);
    heap = open_heap(MALLOW_SHARED_OPEN);
    assert_int_equal(get_value(heap), 1);
    assert_ok(mallow_shared_close(heap));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, finish)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_seal_is_removed_first_and_set_last),
        TEST(a_commit_stores_the_copy_before_its_name),
        TEST(an_incomplete_copy_is_replaced),
        TEST(an_incomplete_copy_is_removed_with_the_heap),
        TEST(a_failed_commit_leaves_the_previous_copy),
    };
    snprintf(path, sizeof path, "/dev/shm/mallow-durable-%d", (int)getpid());
    snprintf(copy_path, sizeof copy_path, "%s.commit", path);
    snprintf(new_path, sizeof new_path, "%s.commit.new", path);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
