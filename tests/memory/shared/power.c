/*
 * A power failure can lose any page that was written since the page last reached the device, and
 * the end of the file. The test builds such files: each page has the content of some moment since
 * the heap was opened. When the file is opened again, the heap must be exactly that of the last
 * commit.
 */
#include "heap_test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "rebooted.h"
#include "shared/image.h"

enum { PAGE = 4096, MOMENTS = 6, FAILURES = 60 };

static char path[64];

struct content {
    unsigned char *bytes;
    size_t length;
};

static unsigned below(unsigned limit) { return (unsigned)rand() % limit; }

static struct content read_file(const char *name) {
    struct stat status;
    int fd = open(name, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &status), 0);
    struct content content = {malloc((size_t)status.st_size), (size_t)status.st_size};
    assert_non_null(content.bytes);
    assert_int_equal(read(fd, content.bytes, content.length), content.length);
    close(fd);
    return content;
}

static void write_file(const char *name, const struct content *content) {
    int fd = open(name, O_WRONLY | O_TRUNC);
    assert_int_equal(write(fd, content->bytes, content->length), content->length);
    close(fd);
}

static const char *committed(void) {
    static char name[80];
    snprintf(name, sizeof name, "%s.commit", path);
    return name;
}

/* Changes blocks, names and the size of the heap. */
static void use(struct mallow_shared *heap, int moment) {
    mallow_shared_handle handle;
    char name[20];
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "%u", below(100));
        if (mallow_shared_find(heap, name, &handle) == MALLOW_OK) {
            assert_ok(mallow_shared_remove_name(heap, name));
            assert_ok(mallow_shared_free(heap, handle));
        } else {
            size_t size = below(20000);
            assert_ok(mallow_shared_find_or_alloc(heap, name, size, &handle, NULL));
            memset(mallow_shared_at(heap, handle), moment * 16 + i % 16, size);
        }
    }
    assert_ok(mallow_shared_grow(heap, measure(heap).size + (64 << 10)));
}

/* Each page is that of one of the moments. The header is from a moment after the heap was
 * opened. */
static struct content lose_power(const struct content *moments) {
    struct content file = {NULL, moments[below(MOMENTS)].length};
    if (below(3) == 0) file.length = PAGE + below((unsigned)file.length - PAGE);
    file.bytes = calloc(1, file.length + PAGE);
    for (size_t at = 0; at < file.length; at += PAGE) {
        const struct content *from = &moments[below(MOMENTS)];
        if (at + PAGE <= from->length) memcpy(file.bytes + at, from->bytes + at, PAGE);
    }
    return file;
}

/* The image must have all bytes of the commit, except for the header, which has changed since. */
static void expect_commit(const struct content *commit) {
    struct mallow_shared *heap = NULL;
    struct content now;
    struct mallow_shared_statistics before, after;
    assert_ok(mallow_shared_open_file(&heap, path, MALLOW_SHARED_OPEN, NULL));
    now = read_file(path);
    assert_int_equal(now.length, commit->length);
    assert_memory_equal(now.bytes + PAGE, commit->bytes + PAGE, commit->length - PAGE);
    free(now.bytes);
    check_heap(heap);
    before = measure(heap);
    use(heap, 0);
    after = measure(heap);
    assert_true(after.size > before.size);
    assert_ok(mallow_shared_close(heap));
}

static struct mallow_shared *create(void) {
    struct mallow_shared *heap = NULL;
    struct mallow_shared_options options = {.size = 1 << 18, .maximum = 4 << 20};
    mallow_shared_unlink_file(path);
    assert_ok(mallow_shared_open_file(&heap, path, MALLOW_SHARED_CREATE, &options));
    return heap;
}

static void the_last_commit_survives(void **state) {
    (void)state;
    struct content moments[MOMENTS], commit = {NULL, 0};
    struct mallow_shared *heap = create();
    for (int moment = 0; moment < MOMENTS; moment++) {
        if (moment > 0) use(heap, moment);
        if (moment == 1 || moment == 3) {
            free(commit.bytes);
            assert_ok(mallow_shared_commit(heap));
            commit = read_file(committed());
        }
        moments[moment] = read_file(path);
    }
    assert_ok(mallow_shared_close(heap));
    for (int failure = 0; failure < FAILURES; failure++) {
        struct content file = lose_power(moments);
        boots++;
        write_file(path, &file);
        expect_commit(&commit);
        free(file.bytes);
    }
    for (int moment = 0; moment < MOMENTS; moment++) free(moments[moment].bytes);
    free(commit.bytes);
    assert_ok(mallow_shared_unlink_file(path));
    assert_int_equal(access(committed(), F_OK), -1);
}

/* The header reaches the device before the heap is used, so a file with a lost header has no
 * committed copy. */
static void a_heap_without_commit_is_checked(void **state) {
    (void)state;
    struct mallow_shared *heap = create();
    use(heap, 1);
    struct content file = read_file(path);
    assert_ok(mallow_shared_close(heap));
    boots++;
    write_file(path, &file); /* the whole file had reached the device */
    assert_ok(mallow_shared_open_file(&heap, path, MALLOW_SHARED_OPEN, NULL));
    check_heap(heap);
    assert_ok(mallow_shared_close(heap));
    memset(file.bytes + IMAGE_STATES_AT, 0, PAGE); /* one page had not reached the device */
    write_file(path, &file);
    assert_result(mallow_shared_open_file(&heap, path, MALLOW_SHARED_OPEN, NULL), MALLOW_DAMAGED);
    free(file.bytes);
    assert_ok(mallow_shared_unlink_file(path));
}

/* A killed process is no power failure: its heap is newer than the commit. */
static void a_kill_does_not_undo(void **state) {
    (void)state;
    mallow_shared_handle handle;
    struct mallow_shared *heap = create();
    assert_ok(mallow_shared_commit(heap));
    assert_ok(mallow_shared_find_or_alloc(heap, "later", 1, &handle, NULL));
    struct content file = read_file(path);
    assert_ok(mallow_shared_close(heap));
    write_file(path, &file);
    assert_ok(mallow_shared_open_file(&heap, path, MALLOW_SHARED_OPEN, NULL));
    assert_ok(mallow_shared_find(heap, "later", &handle));
    assert_ok(mallow_shared_close(heap));
    /* A closed heap is complete, too. */
    boots++;
    assert_ok(mallow_shared_open_file(&heap, path, MALLOW_SHARED_OPEN, NULL));
    assert_ok(mallow_shared_find(heap, "later", &handle));
    assert_ok(mallow_shared_close(heap));
    free(file.bytes);
}

static void a_damaged_commit_is_an_error(void **state) {
    (void)state;
    struct mallow_shared *heap = create();
    assert_ok(mallow_shared_commit(heap));
    struct content file = read_file(path), commit = read_file(committed());
    assert_ok(mallow_shared_close(heap));
    for (int i = 0; i < 5; i++) {
        struct content changed = {malloc(commit.length), commit.length};
        memcpy(changed.bytes, commit.bytes, commit.length);
        if (i < 4)
            changed.bytes[i == 0 ? 17 : i * 20000] ^= 1;
        else
            changed.length -= 5000;
        boots++;
        write_file(path, &file);
        write_file(committed(), &changed);
        assert_result(mallow_shared_open_file(&heap, path, MALLOW_SHARED_OPEN, NULL),
                      MALLOW_DAMAGED);
        assert_non_null(strstr(mallow_error_text(MALLOW_DAMAGED), "the committed copy is damaged"));
        free(changed.bytes);
    }
    write_file(committed(), &commit);
    assert_result(mallow_shared_open_file(&heap, path, MALLOW_SHARED_READ_ONLY, NULL),
                  MALLOW_DENIED);
    assert_int_equal(errno, EROFS);
    assert_ok(mallow_shared_open_file(&heap, path, MALLOW_SHARED_OPEN, NULL));
    assert_ok(mallow_shared_close(heap));
    free(file.bytes);
    free(commit.bytes);
}

/* The copy is an image of its own, has the permissions of the heap, and is removed with it. */
static void a_commit_is_a_complete_image(void **state) {
    (void)state;
    struct mallow_shared *heap = create(), *copy;
    mallow_shared_handle handle, found;
    struct stat status;
    assert_int_equal(chmod(path, 0640), 0);
    assert_ok(mallow_shared_find_or_alloc(heap, "value", 100, &handle, NULL));
    memset(mallow_shared_at(heap, handle), 7, 100);
    assert_ok(mallow_shared_commit(heap));
    assert_int_equal(stat(committed(), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
    memset(mallow_shared_at(heap, handle), 8, 100);
    assert_ok(mallow_shared_open_file(&copy, committed(), MALLOW_SHARED_READ_ONLY, NULL));
    assert_ok(mallow_shared_find(copy, "value", &found));
    assert_int_equal(found, handle);
    assert_int_equal(*(char *)mallow_shared_at(copy, found), 7);
    assert_ok(mallow_shared_close(copy));
    assert_ok(mallow_shared_close(heap));
    /* A new heap does not get the commit of an older one. */
    assert_int_equal(unlink(path), 0);
    struct mallow_shared_options options = {.size = 1};
    assert_ok(mallow_shared_open_file(&heap, path, MALLOW_SHARED_CREATE, &options));
    assert_int_equal(access(committed(), F_OK), -1);
    assert_ok(mallow_shared_close(heap));
    assert_ok(mallow_shared_unlink_file(path));
    struct mallow_shared *memory = new_heap(1, 1);
    assert_result(mallow_shared_commit(memory), MALLOW_UNSUPPORTED);
    assert_ok(mallow_shared_close(memory));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_commit_survives),
        cmocka_unit_test(a_heap_without_commit_is_checked),
        cmocka_unit_test(a_kill_does_not_undo),
        cmocka_unit_test(a_damaged_commit_is_an_error),
        cmocka_unit_test(a_commit_is_a_complete_image),
    };
    snprintf(path, sizeof path, "/dev/shm/mallow-power-%d", (int)getpid());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
