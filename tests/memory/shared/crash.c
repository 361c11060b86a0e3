/*
 * A process is killed before each store to an image, and before each system call that changes a
 * file, in a story of creation, growth, names, commit, close, and restoration after a power
 * failure. The next process must be able to use the heap, and no block may be lost.
 */
#include "heap_test.h"

#include <fcntl.h>
#include <signal.h>

#include "base/kernel_shared.h"
#include "rebooted.h"
#include "shared/image.h"
#include "shared/store.h"

/* ---- kills ---- */

static long points_left = -1; /* until the kill, or negative: no kill */

void store_hook(void) {
    if (points_left >= 0 && points_left-- == 0) raise(SIGKILL);
}

#define KILL_BEFORE(type, name, parameters, arguments) \
    type __real_##name parameters;                     \
    type __wrap_##name parameters;                     \
    type __wrap_##name parameters {                    \
        store_hook();                                  \
        return __real_##name arguments;                \
    }
KILL_BEFORE(int, kernel_open_at, (int directory, const char *name, int flags, unsigned mode),
            (directory, name, flags, mode))
KILL_BEFORE(bool, kernel_unlink_at, (int directory, const char *name), (directory, name))
KILL_BEFORE(bool, kernel_rename_at, (int directory, const char *from, const char *to),
            (directory, from, to))
KILL_BEFORE(bool, kernel_set_file_size, (int fd, uint64_t bytes), (fd, bytes))
KILL_BEFORE(bool, kernel_allocate, (int fd, uint64_t from, uint64_t to), (fd, from, to))
KILL_BEFORE(bool, kernel_write_at, (int fd, const void *from, size_t bytes, uint64_t offset),
            (fd, from, bytes, offset))
KILL_BEFORE(bool, kernel_sync_file, (int fd), (fd))
KILL_BEFORE(bool, kernel_flush_shared, (void *p, size_t bytes), (p, bytes))
KILL_BEFORE(bool, kernel_lock_byte, (int fd, uint64_t byte, enum kernel_byte_lock lock, bool wait),
            (fd, byte, lock, wait))

/* ---- stories ---- */

static char path[64];

static struct mallow_shared *open_heap(enum mallow_shared_how how) {
    struct mallow_shared *heap = NULL;
    struct mallow_shared_options options = {.size = 1, .maximum = 1 << 20};
    assert_ok(mallow_shared_open_file(&heap, path, how, &options));
    return heap;
}

static void create(void) { open_heap(MALLOW_SHARED_OPEN_OR_CREATE); }

/* A list of two blocks, the second of which needs growth. */
static void use(void) {
    struct mallow_shared *heap = open_heap(MALLOW_SHARED_OPEN);
    mallow_shared_handle *root = mallow_shared_root(heap), named;
    assert_ok(mallow_shared_alloc_into(heap, root, 100));
    mallow_shared_handle *next = mallow_shared_at(heap, *root);
    assert_ok(mallow_shared_alloc_into(heap, next, 300000));
    assert_ok(mallow_shared_resize_in(heap, root, 5000));
    next = mallow_shared_at(heap, *root);
    assert_ok(mallow_shared_find_or_alloc(heap, "name", 64, &named, NULL));
    assert_ok(mallow_shared_free_from(heap, next));
    assert_ok(mallow_shared_close(heap));
}

static void set_value(struct mallow_shared *heap, char value) {
    mallow_shared_handle handle;
    assert_ok(mallow_shared_find_or_alloc(heap, "value", 20000, &handle, NULL));
    memset(mallow_shared_at(heap, handle), value, 20000);
}

static int get_value(struct mallow_shared *heap) {
    mallow_shared_handle handle;
    if (mallow_shared_find(heap, "value", &handle) != MALLOW_OK) return -1;
    const char *at = mallow_shared_at_checked(heap, handle, 20000);
    assert_non_null(at);
    for (int i = 0; i < 20000; i++) assert_int_equal(at[i], *at);
    return *at;
}

static void commit(void) {
    struct mallow_shared *heap = open_heap(MALLOW_SHARED_OPEN);
    set_value(heap, 2);
    assert_ok(mallow_shared_commit(heap));
    points_left = -1;
    set_value(heap, 3); /* exits without closing the heap */
}

static void restore_and_close(void) {
    boots++;
    struct mallow_shared *heap = open_heap(MALLOW_SHARED_OPEN);
    assert_int_equal(get_value(heap), 2);
    assert_ok(mallow_shared_close(heap));
}

/* Runs the story in a child, which is killed at the n-th point. Returns false if it has fewer. */
static bool kill_at(void (*story)(void), long n) {
    int status;
    pid_t child = fork();
    if (child == 0) {
        points_left = n;
        story();
        points_left = -1;
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status))
        assert_int_equal(WEXITSTATUS(status), 0);
    else
        assert_int_equal(WTERMSIG(status), SIGKILL);
    return !WIFEXITED(status);
}

static void expect_sealed(void) {
    struct image_header header;
    int fd = open(path, O_RDONLY);
    assert_int_equal(read(fd, &header, sizeof header), sizeof header);
    close(fd);
    assert_int_equal(header.boot, 0);
}

/* ---- tests ---- */

static void creation_can_be_killed(void **state) {
    (void)state;
    long n = 0;
    for (; kill_at(create, n); n++) {
        struct mallow_shared *heap = NULL;
        enum mallow_result result = mallow_shared_open_file(&heap, path, MALLOW_SHARED_OPEN, NULL);
        if (result != MALLOW_OK) {
            assert_result(result, MALLOW_NOT_FOUND);
            heap = open_heap(MALLOW_SHARED_CREATE);
        }
        check_heap(heap);
        assert_int_equal(measure(heap).size, 64 << 10);
        assert_int_equal(measure(heap).blocks, 0);
        assert_ok(mallow_shared_close(heap));
        assert_ok(mallow_shared_unlink_file(path));
    }
    printf("%ld kills\n", n);
    assert_true(n > 20);
    assert_ok(mallow_shared_unlink_file(path));
}

/* Every block belongs to the root, its successor or a name. */
static void expect_nothing_lost(struct mallow_shared *heap) {
    mallow_shared_handle *root = mallow_shared_root(heap), found;
    check_heap(heap);
    if (*root != 0) {
        mallow_shared_handle *next = mallow_shared_at_checked(heap, *root, 100);
        assert_non_null(next);
        assert_ok(mallow_shared_free_from(heap, next));
        assert_ok(mallow_shared_free_from(heap, root));
    }
    assert_int_equal(measure(heap).blocks, mallow_shared_find(heap, "name", &found) == MALLOW_OK);
}

/* `others` is true if another process has the heap open: it repairs the heap, instead of the next
 * one that opens it, and the image is not sealed. */
static void kill_everywhere(bool others) {
    long n = 0;
    for (bool killed = true; killed; n++) {
        struct mallow_shared *heap = open_heap(MALLOW_SHARED_CREATE);
        if (!others) assert_ok(mallow_shared_close(heap));
        killed = kill_at(use, n);
        if (!others && !killed) expect_sealed();
        if (!others) heap = open_heap(MALLOW_SHARED_OPEN);
        expect_nothing_lost(heap);
        assert_ok(mallow_shared_close(heap));
        assert_ok(mallow_shared_unlink_file(path));
    }
    printf("%ld kills\n", n);
    assert_true(n > 100);
}

static void the_next_process_repairs(void **state) {
    (void)state;
    kill_everywhere(false);
}

static void another_process_repairs(void **state) {
    (void)state;
    kill_everywhere(true);
}

/* After a power failure, the heap has the content of one of the two commits. */
static void a_commit_can_be_killed(void **state) {
    (void)state;
    long n = 0;
    bool killed = true, had_old = false;
    for (; killed; n++) {
        struct mallow_shared *heap = open_heap(MALLOW_SHARED_CREATE);
        set_value(heap, 1);
        assert_ok(mallow_shared_commit(heap));
        assert_ok(mallow_shared_close(heap));
        killed = kill_at(commit, n);
        boots++;
        heap = open_heap(MALLOW_SHARED_OPEN);
        int value = get_value(heap);
        had_old |= value == 1;
        assert_in_range(value, 1, 2);
        if (!killed) assert_int_equal(value, 2);
        assert_ok(mallow_shared_close(heap));
        assert_ok(mallow_shared_unlink_file(path));
    }
    assert_true(had_old);
    printf("%ld kills\n", n);
}

static void a_restoration_can_be_killed(void **state) {
    (void)state;
    long n = 0;
    bool killed = true;
    for (; killed; n++) {
        struct mallow_shared *heap = open_heap(MALLOW_SHARED_CREATE);
        assert_ok(mallow_shared_close(heap));
        assert_false(kill_at(commit, -1));
        killed = kill_at(restore_and_close, n);
        boots++;
        restore_and_close();
        assert_ok(mallow_shared_unlink_file(path));
    }
    printf("%ld kills\n", n);
    assert_true(n > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(creation_can_be_killed),      cmocka_unit_test(the_next_process_repairs),
        cmocka_unit_test(another_process_repairs),     cmocka_unit_test(a_commit_can_be_killed),
        cmocka_unit_test(a_restoration_can_be_killed),
    };
    snprintf(path, sizeof path, "/dev/shm/mallow-crash-%d", (int)getpid());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
