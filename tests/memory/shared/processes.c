/* Several processes use a heap: they share it, fork, are killed and stopped, and lack
 * permissions. */
#include "heap_test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "../sanitized.h"
#include "base/kernel_shared.h"
#include "shared/mutex.h"

static char name[64];
static const struct mallow_shared_options small = {.size = 1, .maximum = 1 << 20};

static struct mallow_shared *open_named(enum mallow_shared_how how) {
    struct mallow_shared *heap = NULL;
    assert_ok(mallow_shared_open(&heap, name, how, &small));
    return heap;
}

static bool is_sealed(void) {
    struct image_header header;
    char path[100];
    snprintf(path, sizeof path, "/dev/shm%s", name);
    int fd = open(path, O_RDONLY);
    assert_int_equal(pread(fd, &header, sizeof header, 0), sizeof header);
    close(fd);
    return header.boot == 0;
}

static void expect_exit(int status) {
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) fail_msg("status %d", status);
}

static int tear_down(void **state) {
    (void)state;
    mallow_shared_unlink(name);
    return 0;
}

/* ---- sharing ---- */

typedef MALLOW_SHARED_HANDLE(long) counter_handle;

static void count(struct mallow_shared *heap, int times) {
    counter_handle counter;
    mallow_shared_handle handle;
    assert_ok(mallow_shared_find_or_alloc(heap, "counter", sizeof(long), &counter.handle, NULL));
    for (int i = 0; i < times; i++) {
        assert_ok(mallow_shared_alloc(heap, (size_t)i % 3000, &handle));
        assert_ok(mallow_shared_free(heap, handle));
        __atomic_fetch_add(MALLOW_SHARED_GET(heap, counter), 1, __ATOMIC_RELAXED);
    }
}

static long counted(struct mallow_shared *heap) {
    counter_handle counter;
    assert_ok(mallow_shared_find(heap, "counter", &counter.handle));
    return *MALLOW_SHARED_GET(heap, counter);
}

/* This process has the heap at another address, because it maps other memory first. */
static void open_and_count(void *unused) {
    (void)unused;
    mmap(NULL, (size_t)(getpid() % 16 + 1) << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct mallow_shared *heap = open_named(MALLOW_SHARED_OPEN_OR_CREATE);
    count(heap, 5000);
    assert_ok(mallow_shared_close(heap));
}

static void processes_share_a_heap(void **state) {
    (void)state;
    pid_t children[4];
    for (int i = 0; i < 4; i++) {
        if ((children[i] = fork()) == 0) {
            open_and_count(NULL);
            _exit(0);
        }
    }
    for (int i = 0; i < 4; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        expect_exit(status);
    }
    assert_true(is_sealed());
    struct mallow_shared *heap = open_named(MALLOW_SHARED_OPEN);
    assert_false(is_sealed());
    check_heap(heap);
    assert_int_equal(counted(heap), 20000);
    assert_int_equal(measure(heap).blocks, 1);
    assert_ok(mallow_shared_close(heap));
}

static void *count_in_thread(void *heap) {
    count(heap, 5000);
    return NULL;
}

static void threads_share_a_heap(void **state) {
    (void)state;
    struct mallow_shared *heap = open_named(MALLOW_SHARED_CREATE);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_in_thread, heap), 0);
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    assert_int_equal(counted(heap), 15000);
    check_heap(heap);
    assert_ok(mallow_shared_close(heap));
}

/* ---- opening ---- */

static void images_are_found_created_and_removed(void **state) {
    (void)state;
    struct mallow_shared *heap = NULL;
    assert_result(mallow_shared_open(&heap, name, MALLOW_SHARED_OPEN, NULL), MALLOW_NOT_FOUND);
    assert_int_equal(errno, ENOENT);
    assert_string_equal(mallow_error_text(MALLOW_NOT_FOUND),
                        "mallow_shared_open: there is none: shm_open: No such file or directory");
    assert_result(mallow_shared_open(&heap, name, MALLOW_SHARED_READ_ONLY, NULL), MALLOW_NOT_FOUND);
    heap = open_named(MALLOW_SHARED_CREATE);
    struct mallow_shared *other = heap;
    assert_result(mallow_shared_open(&other, name, MALLOW_SHARED_CREATE, NULL), MALLOW_EXISTS);
    assert_int_equal(errno, EEXIST);
    assert_ptr_equal(other, heap);
    const struct mallow_shared_options huge = {.maximum = UINT64_MAX},
                                       large = {.size = 129ULL << 40};
    assert_ok(mallow_shared_unlink(name));
    assert_result(mallow_shared_open(&other, name, MALLOW_SHARED_CREATE, &huge), MALLOW_TOO_LARGE);
    assert_result(mallow_shared_open(&other, name, MALLOW_SHARED_CREATE, &large), MALLOW_TOO_LARGE);
    assert_int_equal(errno, EOVERFLOW);
    assert_int_not_equal(mallow_shared_open(&other, "/a/b", MALLOW_SHARED_CREATE, NULL), MALLOW_OK);
    other = open_named(MALLOW_SHARED_OPEN_OR_CREATE); /* not the image of `heap` */
    mallow_shared_handle handle;
    assert_ok(mallow_shared_find_or_alloc(heap, "x", 1, &handle, NULL));
    assert_int_equal(mallow_shared_find(other, "x", &handle), MALLOW_NOT_FOUND);
    assert_ok(mallow_shared_close(heap));
    assert_ok(mallow_shared_close(other));
    assert_ok(mallow_shared_unlink(name));
    assert_result(mallow_shared_unlink(name), MALLOW_NOT_FOUND);
    assert_result(mallow_shared_unlink_file("/nowhere/x"), MALLOW_NOT_FOUND);
    assert_result(mallow_shared_open_file(&heap, "/nowhere/x", MALLOW_SHARED_CREATE, NULL),
                  MALLOW_NOT_FOUND);
}

static void a_process_can_open_a_heap_twice(void **state) {
    (void)state;
    struct mallow_shared *a = open_named(MALLOW_SHARED_CREATE), *b = open_named(MALLOW_SHARED_OPEN);
    mallow_shared_handle handle;
    assert_ok(mallow_shared_alloc(a, 100, &handle));
    strcpy(mallow_shared_at(a, handle), "hello");
    assert_string_equal((char *)mallow_shared_at_checked(b, handle, 100), "hello");
    assert_ok(mallow_shared_close(a));
    assert_false(is_sealed());
    assert_ok(mallow_shared_free(b, handle));
    assert_ok(mallow_shared_close(b));
    assert_true(is_sealed());
}

/* The memfd has no name. Another process gets its descriptor. */
static void use_descriptor(void *context) {
    struct mallow_shared *heap = NULL;
    int fd = *(int *)context;
    assert_ok(mallow_shared_open_fd(&heap, fd, MALLOW_SHARED_OPEN, NULL));
    count(heap, 10);
    assert_ok(mallow_shared_close(heap));
    assert_int_not_equal(fcntl(fd, F_GETFD), -1);
}

static void a_descriptor_can_be_sent(void **state) {
    (void)state;
    struct mallow_shared *heap = new_heap(1, 1);
    int fd = mallow_shared_fd(heap);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    expect_exit(in_child(use_descriptor, &fd));
    assert_int_equal(counted(heap), 10);
    assert_ok(mallow_shared_close(heap));
}

/* ---- fork ---- */

static void count_and_close(void *heap) {
    count(heap, 10);
    assert_ok(mallow_shared_close(heap));
}

static void a_child_uses_the_heap_of_its_parent(void **state) {
    (void)state;
    struct mallow_shared *heap = open_named(MALLOW_SHARED_CREATE);
    count(heap, 5);
    expect_exit(in_child(count_and_close, heap));
    assert_false(is_sealed());
    assert_int_equal(counted(heap), 15);
    assert_ok(mallow_shared_close(heap));
    assert_true(is_sealed());
}

/* The parent closes the heap while the child has it. */
static void a_child_outlives_its_parents_heap(void **state) {
    (void)state;
    int to_child[2], status;
    char byte = 0;
    struct mallow_shared *heap = open_named(MALLOW_SHARED_CREATE);
    assert_int_equal(pipe(to_child), 0);
    pid_t child = fork();
    if (child == 0) {
        close(to_child[1]);
        if (read(to_child[0], &byte, 1) != 0) _exit(1);
        count_and_close(heap);
        _exit(0);
    }
    assert_ok(mallow_shared_close(heap));
    assert_false(is_sealed());
    close(to_child[0]);
    close(to_child[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    expect_exit(status);
    assert_true(is_sealed());
    heap = open_named(MALLOW_SHARED_OPEN);
    assert_int_equal(counted(heap), 10);
    assert_ok(mallow_shared_close(heap));
}

/* ---- killed and stopped processes ---- */

static void die_with_the_lock(void *heap) {
    mutex_enter(heap_of(heap), "test");
    raise(SIGKILL);
}

static void a_killed_owner_gives_the_lock(void **state) {
    (void)state;
    struct mallow_shared *heap = open_named(MALLOW_SHARED_CREATE);
    mallow_shared_handle handle;
    for (unsigned i = 1; i < 4; i++) {
        assert_int_equal(WTERMSIG(in_child(die_with_the_lock, heap)), SIGKILL);
        assert_ok(mallow_shared_alloc(heap, 10, &handle));
        assert_int_equal(measure(heap).repairs, i);
    }
    assert_int_equal(WTERMSIG(in_child(die_with_the_lock, heap)), SIGKILL);
    assert_ok(mallow_shared_close(heap)); /* without another call */
    heap = open_named(MALLOW_SHARED_OPEN);
    check_heap(heap);
    assert_int_equal(measure(heap).blocks, 3);
    assert_ok(mallow_shared_close(heap));
}

/* A killed process left a record that makes no sense. */
static void a_failed_repair_is_an_error(void **state) {
    (void)state;
    struct mallow_shared *heap = open_named(MALLOW_SHARED_CREATE);
    mallow_shared_handle handle = 0;
    assert_int_equal(WTERMSIG(in_child(die_with_the_lock, heap)), SIGKILL);
    heap_header(heap_of(heap))->commit = 99;
    for (int i = 0; i < 2; i++) {
        assert_result(mallow_shared_alloc(heap, 10, &handle), MALLOW_DAMAGED);
        assert_int_equal(errno, EUCLEAN);
    }
    assert_ok(mallow_shared_close(heap));
    assert_false(is_sealed());
    assert_result(mallow_shared_open(&heap, name, MALLOW_SHARED_OPEN, NULL), MALLOW_DAMAGED);
}

static void a_stopped_owner_is_an_error(void **state) {
    (void)state;
    int status;
    struct mallow_shared *heap = NULL;
    struct mallow_shared_options options = {.size = 1, .wait_ms = 20};
    mallow_shared_handle handle;
    assert_ok(mallow_shared_open(&heap, name, MALLOW_SHARED_CREATE, &options));
    pid_t child = fork();
    if (child == 0) {
        mutex_enter(heap_of(heap), "test");
        raise(SIGSTOP);
        mutex_leave(heap_of(heap));
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    assert_true(WIFSTOPPED(status));
    assert_result(mallow_shared_alloc(heap, 1, &handle), MALLOW_BUSY);
    assert_int_equal(errno, ETIMEDOUT);
    assert_string_equal(
        mallow_error_text(MALLOW_BUSY),
        "mallow_shared_alloc: another thread or process holds or changes the object");
    kill(child, SIGCONT);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_ok(mallow_shared_alloc(heap, 1, &handle));
    assert_ok(mallow_shared_close(heap));
}

/* A process is stopped while it opens the heap. */
static void a_stopped_opener_is_an_error(void **state) {
    (void)state;
    struct mallow_shared *heap = open_named(MALLOW_SHARED_CREATE), *other = NULL;
    struct mallow_shared_options options = {.wait_ms = 20};
    assert_true(kernel_lock_byte(heap_of(heap)->fd, 0, KERNEL_BYTE_EXCLUSIVE, false));
    assert_result(mallow_shared_open(&other, name, MALLOW_SHARED_OPEN, &options), MALLOW_BUSY);
    assert_int_equal(errno, ETIMEDOUT);
    assert_true(kernel_lock_byte(heap_of(heap)->fd, 0, KERNEL_BYTE_FREE, false));
    assert_ok(mallow_shared_open(&other, name, MALLOW_SHARED_OPEN, &options));
    assert_ok(mallow_shared_close(other));
    assert_ok(mallow_shared_close(heap));
}

/* A signal handler interrupts a function that has the lock. */
static void a_signal_handler_does_not_wait_for_itself(void **state) {
    (void)state;
    struct mallow_shared *heap = open_named(MALLOW_SHARED_CREATE);
    struct mallow_shared *same = open_named(MALLOW_SHARED_OPEN), *other = new_heap(1, 1);
    mallow_shared_handle handle;
    assert_ok(mutex_enter(heap_of(heap), "test"));
    assert_result(mallow_shared_alloc(heap, 1, &handle), MALLOW_BUSY);
    assert_int_equal(errno, EDEADLK);
    assert_result(mallow_shared_alloc(same, 1, &handle), MALLOW_BUSY);
    assert_ok(mallow_shared_alloc(other, 1, &handle));
    assert_result(mallow_shared_alloc(heap, 1, &handle), MALLOW_BUSY);
    mutex_leave(heap_of(heap));
    assert_ok(mallow_shared_alloc(heap, 1, &handle));
    assert_ok(mallow_shared_close(heap));
    assert_ok(mallow_shared_close(same));
    assert_ok(mallow_shared_close(other));
}

/* Thread IDs have a different meaning in another PID namespace. */
static void open_in_namespace(void *unused) {
    (void)unused;
    struct mallow_shared *heap;
    if (unshare(CLONE_NEWPID) != 0) _exit(77);
    pid_t child = fork(); /* the first one in the namespace */
    if (child == 0) {
        enum mallow_result result = mallow_shared_open(&heap, name, MALLOW_SHARED_OPEN, NULL);
        bool is_named =
            strstr(mallow_error_text(result), "another PID namespace uses the image") != NULL;
        _exit(result == MALLOW_UNSUPPORTED && is_named ? 0 : 1);
    }
    int status;
    if (waitpid(child, &status, 0) != child || status != 0) _exit(1);
}

static void other_namespaces_are_refused(void **state) {
    (void)state;
    struct mallow_shared *heap = open_named(MALLOW_SHARED_CREATE);
    int status = in_child(open_in_namespace, NULL);
    if (WEXITSTATUS(status) != 77) expect_exit(status);
    assert_ok(mallow_shared_close(heap));
}

/* ---- permissions and limits ---- */

static void a_reader_changes_nothing(void **state) {
    (void)state;
    struct mallow_shared *heap = open_named(MALLOW_SHARED_CREATE), *reader;
    mallow_shared_handle handle, found;
    size_t size;
    assert_ok(mallow_shared_find_or_alloc(heap, "x", 5, &handle, NULL));
    strcpy(mallow_shared_at(heap, handle), "read");
    for (int i = 0; i < 2; i++) { /* while it is in use, and then sealed */
        reader = open_named(MALLOW_SHARED_READ_ONLY);
        assert_ok(mallow_shared_find(reader, "x", &found));
        assert_string_equal((char *)mallow_shared_at_checked(reader, found, 5), "read");
        assert_ok(mallow_shared_size(reader, found, &size));
        assert_int_equal(size, 5);
        assert_int_equal(*mallow_shared_root(reader), 0);
        assert_int_equal(measure(reader).blocks, 1);
        check_heap(reader);
        const enum mallow_result results[] = {
            mallow_shared_alloc(reader, 1, &handle),
            mallow_shared_free(reader, found),
            mallow_shared_resize(reader, &found, 1),
            mallow_shared_alloc_into(reader, mallow_shared_root(reader), 1),
            mallow_shared_set_name(reader, "y", found),
            mallow_shared_remove_name(reader, "x"),
            mallow_shared_find_or_alloc(reader, "x", 1, &found, NULL),
            mallow_shared_grow(reader, 1 << 20),
        };
        for (size_t k = 0; k < sizeof results / sizeof *results; k++)
            assert_int_equal(results[k], MALLOW_DENIED);
        assert_int_equal(errno, EROFS);
        assert_ok(mallow_shared_close(reader));
        if (i == 0) assert_ok(mallow_shared_close(heap));
    }
    assert_true(is_sealed());
}

static void open_as_another_user(void *unused) {
    (void)unused;
    struct mallow_shared *heap;
    if (setgid(65534) != 0 || setuid(65534) != 0) _exit(77);
    assert_result(mallow_shared_open(&heap, name, MALLOW_SHARED_OPEN, NULL), MALLOW_DENIED);
    assert_int_equal(errno, EACCES);
}

static void permissions_are_those_of_the_file(void **state) {
    (void)state;
    struct mallow_shared_options options = {.size = 1, .mode = 0640};
    struct mallow_shared *heap;
    struct stat status;
    mode_t mask = umask(0);
    assert_ok(mallow_shared_open(&heap, name, MALLOW_SHARED_CREATE, &options));
    umask(mask);
    assert_int_equal(fstat(mallow_shared_fd(heap), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
    int exit_status = in_child(open_as_another_user, NULL);
    if (WEXITSTATUS(exit_status) != 77) expect_exit(exit_status);
    assert_ok(mallow_shared_close(heap));
}

/* A macro, because glibc gives the first parameter of setrlimit a type of its own. */
#define LOWER(resource, value) \
    assert_int_equal(setrlimit(resource, &(struct rlimit){(value), (value)}), 0)

static void reach_the_file_size(void *unused) {
    (void)unused;
    mallow_shared_handle handle;
    struct mallow_shared *heap = open_named(MALLOW_SHARED_CREATE);
    LOWER(RLIMIT_FSIZE, 512 << 10);
    assert_result(mallow_shared_alloc(heap, 500000, &handle), MALLOW_AT_LIMIT);
    assert_int_equal(errno, EFBIG);
    assert_non_null(strstr(mallow_error_text(MALLOW_AT_LIMIT),
                           "RLIMIT_FSIZE is 512 KiB, 192 KiB are used, and"));
    assert_ok(mallow_shared_alloc(heap, 50000, &handle));
    assert_ok(mallow_shared_alloc(heap, 50000, &handle));
    check_heap(heap);
    assert_ok(mallow_shared_close(heap));
}

#ifndef SANITIZED
static void reach_the_address_space(void *unused) {
    (void)unused;
    struct mallow_shared *heap;
    struct mallow_shared_options options = {.size = 1, .maximum = 1ULL << 32};
    LOWER(RLIMIT_AS, (rlim_t)1 << 31);
    assert_result(mallow_shared_memfd(&heap, &options), MALLOW_AT_LIMIT);
    assert_non_null(strstr(mallow_error_text(MALLOW_AT_LIMIT), "RLIMIT_AS is 2097152 KiB"));
}
#endif

static void reach_the_descriptors(void *unused) {
    (void)unused;
    struct mallow_shared *heap;
    LOWER(RLIMIT_NOFILE, 3);
    assert_result(mallow_shared_memfd(&heap, &small), MALLOW_AT_LIMIT);
    assert_int_equal(errno, EMFILE);
    assert_string_equal(mallow_error_text(MALLOW_AT_LIMIT),
                        "mallow_shared_memfd: RLIMIT_NOFILE is 3 descriptors, 3 descriptors are "
                        "used, and 1 descriptors more are needed: raise it with ulimit -n or "
                        "prlimit");
}

static void limits_are_named(void **state) {
    (void)state;
    expect_exit(in_child(reach_the_file_size, NULL));
#ifndef SANITIZED
    expect_exit(in_child(reach_the_address_space, NULL));
#endif
    expect_exit(in_child(reach_the_descriptors, NULL));
}

#define TEST(function) cmocka_unit_test_teardown(function, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(processes_share_a_heap),
        TEST(threads_share_a_heap),
        TEST(images_are_found_created_and_removed),
        TEST(a_process_can_open_a_heap_twice),
        TEST(a_descriptor_can_be_sent),
        TEST(a_child_uses_the_heap_of_its_parent),
        TEST(a_child_outlives_its_parents_heap),
        TEST(a_killed_owner_gives_the_lock),
        TEST(a_failed_repair_is_an_error),
        TEST(a_stopped_owner_is_an_error),
        TEST(a_stopped_opener_is_an_error),
        TEST(a_signal_handler_does_not_wait_for_itself),
        TEST(other_namespaces_are_refused),
        TEST(a_reader_changes_nothing),
        TEST(permissions_are_those_of_the_file),
        TEST(limits_are_named),
    };
    snprintf(name, sizeof name, "/mallow-processes-%d", (int)getpid());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
