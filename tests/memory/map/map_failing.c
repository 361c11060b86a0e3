/* Each system call fails once. The function of the library then reports an error or works without
 * the system call, leaves its mapping usable, and loses neither memory nor a descriptor. */
#include "map_test.h"

#include "../mapped.h"
#include "base/kernel_file.h"
#include "base/kernel_signal.h"
#include "base/watch.h"

static int calls_until_failure = -1; /* if negative, none fails */
static int error_of_failure;
static const char *failed_call;

static bool fails(const char *call) {
    if (calls_until_failure < 0 || calls_until_failure-- > 0) return false;
    errno = error_of_failure;
    failed_call = call;
    return true;
}

#define REPLACE(type, function, parameters, arguments, failure)          \
    type __real_##function parameters;                                   \
    type __wrap_##function parameters;                                   \
    type __wrap_##function parameters {                                  \
        return fails(#function) ? failure : __real_##function arguments; \
    }
REPLACE(int, kernel_open, (const char *path, int flags), (path, flags), -1)
REPLACE(int, kernel_duplicate, (int fd), (fd), -1)
REPLACE(bool, kernel_describe_file, (int fd, struct kernel_file_state *file), (fd, file), false)
REPLACE(bool, kernel_reserve, (int fd, uint64_t from, uint64_t bytes), (fd, from, bytes), false)
REPLACE(bool, kernel_set_length, (int fd, uint64_t bytes), (fd, bytes), false)
REPLACE(int, kernel_memory_file, (const char *name, bool is_huge), (name, is_huge), -1)
REPLACE(bool, kernel_seal, (int fd, int seals), (fd, seals), false)
REPLACE(void *, kernel_map_pages,
        (void *at, size_t bytes, int protection, int flags, int fd, uint64_t offset),
        (at, bytes, protection, flags, fd, offset), NULL)
REPLACE(bool, kernel_move_pages, (void *from, size_t bytes, void *to, bool is_kept),
        (from, bytes, to, is_kept), false)
REPLACE(bool, kernel_protect, (void *p, size_t bytes, int protection), (p, bytes, protection),
        false)
REPLACE(bool, kernel_advise, (void *p, size_t bytes, int advice), (p, bytes, advice), false)
REPLACE(bool, kernel_sync, (void *p, size_t bytes, int flags), (p, bytes, flags), false)
REPLACE(bool, kernel_residency, (void *p, size_t bytes, unsigned char *pages), (p, bytes, pages),
        false)
REPLACE(bool, kernel_start_writing, (int fd, uint64_t from, uint64_t bytes), (fd, from, bytes),
        false)
REPLACE(bool, kernel_read_lines,
        (const char *path, bool (*see_line)(void *, const char *), void *state),
        (path, see_line, state), false)
REPLACE(bool, kernel_signal_action,
        (int signal, const struct sigaction *action, struct sigaction *before),
        (signal, action, before), false)

/* ---- what a program does ---- */

static int errors;

/* Counts an error. Returns true if the call succeeded. */
static bool done(enum mallow_result result) {
    if (result == MALLOW_OK) return true;
    errors++;
    assert_non_null(failed_call);
    assert_int_not_equal(result, MALLOW_NO_ROOM);
    assert_int_equal(errno, mallow_last_error().error);
    assert_int_equal(mallow_last_error().result, result);
    assert_true(mallow_error_text(result)[0] != '\0');
    return false;
}

static void grow(struct mallow_map *map, bool is_blocked) {
    size_t page = kernel_page(), bytes = map->bytes;
    uintptr_t end = ((uintptr_t)map->data + bytes + page - 1) / page * page;
    void *blocker = MAP_FAILED;
    if (is_blocked)
        blocker = mmap((void *)end, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char first = *(char *)map->data;
    if (!done(mallow_map_resize(map, 5 * page, MALLOW_MAP_MAY_MOVE)))
        assert_int_equal(map->bytes, bytes);
    assert_int_equal(*(char *)map->data, first);
    if (blocker != MAP_FAILED) munmap(blocker, page);
}

static void use(struct mallow_map *map, bool is_writable) {
    struct mallow_map_pages counts;
    struct mallow_map_shares sharing;
    char bytes[10] = "some bytes";
    size_t page = kernel_page();
    if (is_writable) done(mallow_map_write(map, 1, bytes, 9));
    done(mallow_map_read(map, 1, bytes, 9));
    done(mallow_map_residency(map, 0, 1, &counts, NULL, 0));
    done(mallow_map_sharing(map, page, 1, &sharing));
    done(mallow_map_advise(map, 0, 1, MALLOW_MAP_RANDOM));
    if (is_writable) done(mallow_map_flush(map, 0, 1, MALLOW_MAP_FLUSH_START));
    if (is_writable) done(mallow_map_flush(map, 0, 1, MALLOW_MAP_FLUSH_WAIT));
    done(mallow_map_protect(map, page, 1, MALLOW_MAP_CAN_READ));
    grow(map, false);
    done(mallow_map_resize(map, page + 1, MALLOW_MAP_IN_PLACE));
    grow(map, true);
}

static void end(struct mallow_map *map) {
    OK(mallow_map_end(map));
    assert_null(map->data);
}

static void use_all(const char *path) {
    struct mallow_map map;
    int fd = -1;
    size_t page = kernel_page();
    if (done(mallow_map_memory(2 * page, 0, NULL, &map))) {
        done(mallow_map_resize(&map, 1, MALLOW_MAP_IN_PLACE));
        done(mallow_map_resize(&map, page + 1, MALLOW_MAP_IN_PLACE));
        done(mallow_map_advise(&map, 0, 1, MALLOW_MAP_DISCARD));
        end(&map);
    }
    if (done(mallow_map_shared(2 * page, MALLOW_MAP_SEAL_SIZE, NULL, &map, &fd))) {
        end(&map);
        close(fd);
    }
    if (done(mallow_map_file(path, 1, 2 * page, MALLOW_MAP_WRITE, &map))) {
        use(&map, true);
        end(&map);
    }
    assert_int_equal(truncate(path, 10), 0);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (done(mallow_map_descriptor(fd, 1, 2 * page, MALLOW_MAP_READ, &map))) {
        use(&map, false);
        end(&map);
    }
    close(fd);
}

static void each_call_may_fail(void **state) {
    (void)state;
    const int reasons[] = {ENOMEM, EPERM, EINVAL, EIO, ENOSYS};
    char path[64];
    close(make_file(false, 10, path));
    use_all(path);
    assert_int_equal(errors, 0);
    int descriptors = count_descriptors();
    uint64_t before = mapped();
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        for (int n = 0;; n++) {
            error_of_failure = reasons[i];
            calls_until_failure = n;
            failed_call = NULL;
            errors = 0;
            use_all(path);
            bool is_end = calls_until_failure >= 0;
            calls_until_failure = -1;
            if (is_end) break;
            if (count_descriptors() != descriptors) fail_msg("%s loses a descriptor", failed_call);
            if (!watch_is_on() && mapped() != before) fail_msg("%s loses memory", failed_call);
            bool is_needed = strcmp(failed_call, "kernel_signal_action") != 0 &&
                             strcmp(failed_call, "kernel_map_pages") != 0 &&
                             strcmp(failed_call, "kernel_move_pages") != 0 &&
                             strcmp(failed_call, "kernel_read_lines") != 0 &&
                             strcmp(failed_call, "kernel_advise") != 0;
            if (is_needed && errors == 0) fail_msg("no error, but %s fails", failed_call);
        }
    errors = 0;
    use_all(path);
    assert_int_equal(errors, 0);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_call_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
