/*
 * Tests files that are not images, headers with absurd values, invalid names, and permissions.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mallow/shared.h>

#include "shared/image.h"

enum { HANGING_SECONDS = 120, NOBODY = 65534 };

static char folder[] = "/tmp/mallow-files-XXXXXX";

#define assert_ok(call)                                                                  \
    do {                                                                                 \
        enum mallow_result ok_result = (call);                                           \
        if (ok_result != MALLOW_OK)                                                      \
            fail_msg("%s: %d, %s", #call, (int)ok_result, mallow_error_text(ok_result)); \
    } while (0)

#define assert_fails(call, its_result, its_errno)                             \
    do {                                                                      \
        errno = 0;                                                            \
        enum mallow_result fails_result = (call);                             \
        if (fails_result != (its_result) || errno != (its_errno))             \
            fail_msg("%s: %d, errno %d, %s", #call, (int)fails_result, errno, \
                     mallow_error_text(fails_result));                        \
    } while (0)

static const char *path_of(const char *name) {
    static char path[2][300];
    static int turn;
    turn ^= 1;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static int set_up(void **state) {
    (void)state;
    alarm(HANGING_SECONDS); /* no file may make the test wait */
    umask(0);
    return mkdtemp(folder) != NULL && chmod(folder, 0777) == 0 ? 0 : -1;
}

static int tear_down(void **state) {
    char command[400];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command); // NOLINT(*-system,cert-env33-c): the name is a constant
}

static const enum mallow_shared_how all_hows[] = {MALLOW_SHARED_OPEN, MALLOW_SHARED_CREATE,
                                                  MALLOW_SHARED_OPEN_OR_CREATE,
                                                  MALLOW_SHARED_READ_ONLY};

/* Tries to open a file that is not a heap in each way. Fails if one of them succeeds. */
static void assert_no_heap(const char *path) {
    for (int i = 0; i < 4; i++) {
        struct mallow_shared *heap = NULL;
        errno = 0;
        enum mallow_result result = mallow_shared_open_file(&heap, path, all_hows[i], NULL);
        if (result == MALLOW_OK) fail_msg("%s opens as a heap", path);
        assert_null(heap);
        assert_int_not_equal(errno, 0);
        assert_int_not_equal(result, MALLOW_BUSY);
        assert_int_not_equal(result, MALLOW_BAD_ARGUMENT);
        assert_true(strlen(mallow_error_text(result)) > 10);
    }
}

/* ---- files ---- */

static void special_files(void **state) {
    (void)state;
    assert_no_heap("/");
    assert_no_heap("/dev/null");
    assert_no_heap("/dev/zero");
    assert_no_heap("/dev/full");
    assert_no_heap("/proc/self/maps");
    assert_no_heap("/proc/self/mem");
    assert_no_heap(folder);

    assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
    assert_no_heap(path_of("fifo"));

    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path_of("socket"));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_no_heap(path_of("socket"));
    close(fd);

    assert_int_equal(symlink("loop", path_of("loop")), 0);
    assert_no_heap(path_of("loop"));
    assert_no_heap(path_of("missing/heap"));
    assert_no_heap(path_of("fifo/heap"));
}

static void descriptors(void **state) {
    (void)state;
    struct mallow_shared *heap = NULL;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    int fds[] = {ends[0],
                 ends[1],
                 socket(AF_UNIX, SOCK_DGRAM, 0),
                 open(folder, O_RDONLY),
                 open("/dev/null", O_RDWR),
                 -1,
                 -100,
                 100000};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        for (int how = 0; how < 4; how++) {
            assert_int_not_equal(mallow_shared_open_fd(&heap, fds[i], all_hows[how], NULL),
                                 MALLOW_OK);
            assert_null(heap);
        }
    for (int i = 0; i < 5; i++) close(fds[i]);

    /* The library opens the file again, and leaves the descriptor alone. */
    assert_ok(mallow_shared_open_file(&heap, path_of("heap"), MALLOW_SHARED_CREATE, NULL));
    assert_ok(mallow_shared_close(heap));
    heap = NULL;
    int fd = open(path_of("heap"), O_RDONLY);
    assert_ok(mallow_shared_open_fd(&heap, fd, MALLOW_SHARED_READ_ONLY, NULL));
    assert_ok(mallow_shared_close(heap));
    assert_int_equal(fcntl(fd, F_GETFD), 0);
    close(fd);
    assert_ok(mallow_shared_unlink_file(path_of("heap")));
}

static void empty_files(void **state) {
    (void)state;
    struct mallow_shared *heap = NULL;
    close(open(path_of("empty"), O_CREAT | O_WRONLY, 0600));
    assert_fails(mallow_shared_open_file(&heap, path_of("empty"), MALLOW_SHARED_OPEN, NULL),
                 MALLOW_NOT_FOUND, ENOENT);
    assert_fails(mallow_shared_open_file(&heap, path_of("empty"), MALLOW_SHARED_READ_ONLY, NULL),
                 MALLOW_NOT_FOUND, ENOENT);
    assert_ok(mallow_shared_open_file(&heap, path_of("empty"), MALLOW_SHARED_CREATE, NULL));
    assert_ok(mallow_shared_close(heap));
    assert_fails(mallow_shared_open_file(&heap, path_of("empty"), MALLOW_SHARED_CREATE, NULL),
                 MALLOW_EXISTS, EEXIST);
    assert_ok(mallow_shared_unlink_file(path_of("empty")));
    assert_fails(mallow_shared_unlink_file(path_of("empty")), MALLOW_NOT_FOUND, ENOENT);
}

/* ---- names ---- */

static void names(void **state) {
    (void)state;
    struct mallow_shared *heap = NULL;
    char long_name[5000];
    memset(long_name, 'n', sizeof long_name);
    long_name[0] = '/';
    long_name[4999] = '\0';
    const char *wrong[] = {"", "/", "/a/b", "//", "/.", "/..", long_name, &long_name[4999 - 300]};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        for (int how = 0; how < 4; how++) {
            errno = 0;
            assert_int_not_equal(mallow_shared_open(&heap, wrong[i], all_hows[how], NULL),
                                 MALLOW_OK);
            assert_int_not_equal(errno, 0);
            assert_null(heap);
            assert_int_not_equal(mallow_shared_unlink(wrong[i]), MALLOW_OK);
        }
    long_name[4999 - 300] = '/';
    assert_no_heap(long_name);
    assert_no_heap(&long_name[4999 - 300]);
    assert_int_not_equal(mallow_shared_unlink_file(long_name), MALLOW_OK);
    assert_fails(mallow_shared_open_file(&heap, "", MALLOW_SHARED_CREATE, NULL),
                 MALLOW_BAD_ARGUMENT, EINVAL);
    assert_fails(mallow_shared_open_file(&heap, path_of("x"), (enum mallow_shared_how)4, NULL),
                 MALLOW_BAD_ARGUMENT, EINVAL);
    assert_fails(mallow_shared_open_file(&heap, path_of("x"), (enum mallow_shared_how) - 1, NULL),
                 MALLOW_BAD_ARGUMENT, EINVAL);
    assert_fails(mallow_shared_unlink("/mallow-no-such-heap"), MALLOW_NOT_FOUND, ENOENT);
}

/* ---- sizes ---- */

static void sizes(void **state) {
    (void)state;
    struct mallow_shared *heap = NULL;
    const uint64_t huge[] = {((uint64_t)1 << 47) + 1, (uint64_t)1 << 48, (uint64_t)1 << 63,
                             UINT64_MAX - 70000,      UINT64_MAX - 1,    UINT64_MAX};
    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
        struct mallow_shared_options options = {.maximum = huge[i]};
        assert_fails(mallow_shared_memfd(&heap, &options), MALLOW_TOO_LARGE, EOVERFLOW);
        options.size = huge[i];
        options.maximum = 1;
        assert_fails(mallow_shared_memfd(&heap, &options), MALLOW_TOO_LARGE, EOVERFLOW);
    }
    /* The largest heap may or may not fit into the address space. */
    struct mallow_shared_options options = {.maximum = (uint64_t)1 << 47};
    if (mallow_shared_memfd(&heap, &options) == MALLOW_OK) {
        assert_ok(mallow_shared_check(heap, NULL));
        assert_ok(mallow_shared_close(heap));
    }
    options.maximum = (uint64_t)1 << 44;
    assert_ok(mallow_shared_memfd(&heap, &options));
    mallow_shared_handle handle = 0;
    const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 15, SIZE_MAX / 2, (size_t)1 << 62,
                            (size_t)1 << 47};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        enum mallow_result result = mallow_shared_alloc(heap, sizes[i], &handle);
        assert_true(result == MALLOW_TOO_LARGE || result == MALLOW_NO_MEMORY);
        assert_int_equal(handle, 0);
        assert_int_not_equal(mallow_shared_grow(heap, sizes[i]), MALLOW_OK);
    }
    assert_ok(mallow_shared_check(heap, NULL));
    assert_ok(mallow_shared_close(heap));
}

/* ---- headers ---- */

/* The sum that protects the members of the header that never change. */
static uint64_t header_sum(const struct image_header *header) {
    const uint64_t words[] = {IMAGE_MAGIC, header->version, header->identity, header->maximum};
    uint64_t sum = 0;
    for (int i = 0; i < 4; i++) sum = (sum << 23 ^ sum >> 41 ^ words[i]) * 0x9e3779b97f4a7c15;
    return sum;
}

struct absurd {
    size_t offset;
    uint64_t value;
    enum mallow_result result;
};

static void absurd_headers(void **state) {
    (void)state;
#define AT(member) offsetof(struct image_header, member)
    const uint64_t units = offsetof(struct image_step, units);
    const struct absurd absurd[] = {
        {AT(magic), __builtin_bswap64(IMAGE_MAGIC), MALLOW_FOREIGN_IMAGE},
        {AT(magic), IMAGE_MAGIC - 0x0204, MALLOW_FOREIGN_IMAGE}, /* "MALLOW32" */
        {AT(magic), 0, MALLOW_FOREIGN_IMAGE},
        {AT(version), IMAGE_VERSION + 1, MALLOW_NEWER_IMAGE},
        {AT(version), UINT64_MAX, MALLOW_NEWER_IMAGE},
        {AT(maximum), 0, MALLOW_DAMAGED},
        {AT(maximum), 1, MALLOW_DAMAGED},
        {AT(maximum), 4096 * 3, MALLOW_DAMAGED},
        {AT(maximum), (uint64_t)1 << 43, MALLOW_DAMAGED},
        {AT(maximum), (uint64_t)1 << 44, MALLOW_DAMAGED},
        {AT(maximum), (uint64_t)1 << 60, MALLOW_DAMAGED},
        {AT(maximum), UINT64_MAX, MALLOW_DAMAGED},
        {AT(maximum), -(uint64_t)4096, MALLOW_DAMAGED},
        {AT(commit), 4, MALLOW_DAMAGED},
        {AT(commit), UINT64_MAX, MALLOW_DAMAGED},
        {AT(step[0]) + units, 0, MALLOW_DAMAGED},
        {AT(step[0]) + units, 1, MALLOW_DAMAGED},
        {AT(step[0]) + units, 8192, MALLOW_DAMAGED},
        {AT(step[0]) + units, (uint64_t)1 << 43, MALLOW_DAMAGED},
        {AT(step[0]) + units, UINT64_MAX, MALLOW_DAMAGED},
        {AT(orders), UINT64_MAX, MALLOW_DAMAGED},
        {AT(orders), 0, MALLOW_DAMAGED},
    };
    struct mallow_shared *heap = NULL;
    struct mallow_shared_options options = {.size = 64 << 10, .maximum = 256 << 10};
    static unsigned char image[1 << 20], changed[1 << 20];
    assert_ok(mallow_shared_memfd(&heap, &options));
    ssize_t bytes = pread(mallow_shared_fd(heap), image, sizeof image, 0);
    assert_true(bytes > 4096);
    assert_ok(mallow_shared_close(heap));
    assert_int_equal(((struct image_header *)image)->sum, header_sum((struct image_header *)image));
    int fd = memfd_create("absurd", MFD_CLOEXEC);
    for (size_t i = 0; i < sizeof absurd / sizeof *absurd; i++) {
        struct image_header *header = (struct image_header *)changed;
        memcpy(changed, image, sizeof image);
        /* Changes both steps, because either may be the current one. */
        memcpy(&changed[absurd[i].offset], &absurd[i].value, 8);
        if (absurd[i].offset == AT(step[0]) + units)
            memcpy(&changed[absurd[i].offset + sizeof(struct image_step)], &absurd[i].value, 8);
        header->sum = header_sum(header);
        assert_int_equal(pwrite(fd, changed, (size_t)bytes, 0), bytes);
        for (int how = 0; how < 4; how += 3) {
            enum mallow_result result = mallow_shared_open_fd(&heap, fd, all_hows[how], NULL);
            bool needs_repair = absurd[i].offset == AT(commit) && result == MALLOW_DENIED;
            if (result != absurd[i].result && !(how == 3 && needs_repair))
                fail_msg("header %zu: %d, %s", i, (int)result, mallow_error_text(result));
        }
    }
    close(fd);
}

/* ---- permissions ---- */

static void as_nobody(void (*test)(void)) {
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)) _exit(1);
        test();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void use_denied(void) {
    struct mallow_shared *heap = NULL;
    const char *closed = path_of("closed"), *readable = path_of("readable");
    assert_fails(mallow_shared_open_file(&heap, closed, MALLOW_SHARED_OPEN, NULL), MALLOW_DENIED,
                 EACCES);
    assert_fails(mallow_shared_open_file(&heap, closed, MALLOW_SHARED_READ_ONLY, NULL),
                 MALLOW_DENIED, EACCES);
    assert_fails(mallow_shared_open_file(&heap, readable, MALLOW_SHARED_OPEN, NULL), MALLOW_DENIED,
                 EACCES);
    assert_ok(mallow_shared_open_file(&heap, readable, MALLOW_SHARED_READ_ONLY, NULL));
    mallow_shared_handle handle = 0;
    assert_fails(mallow_shared_alloc(heap, 1, &handle), MALLOW_DENIED, EROFS);
    assert_fails(mallow_shared_grow(heap, 1 << 20), MALLOW_DENIED, EROFS);
    assert_ok(mallow_shared_check(heap, NULL));
    assert_ok(mallow_shared_close(heap));
    assert_fails(mallow_shared_open_file(&heap, path_of("folder/new"), MALLOW_SHARED_CREATE, NULL),
                 MALLOW_DENIED, EACCES);
    assert_fails(mallow_shared_unlink_file(path_of("folder/old")), MALLOW_DENIED, EACCES);
}

static void permissions(void **state) {
    (void)state;
    struct mallow_shared *heap = NULL;
    struct stat file;
    struct mallow_shared_options options = {.mode = 0640};
    assert_ok(mallow_shared_open_file(&heap, path_of("closed"), MALLOW_SHARED_CREATE, NULL));
    assert_ok(mallow_shared_close(heap));
    assert_int_equal(stat(path_of("closed"), &file), 0);
    assert_int_equal(file.st_mode & 07777, 0600);
    umask(022);
    options.mode = 0666;
    assert_ok(mallow_shared_open_file(&heap, path_of("readable"), MALLOW_SHARED_CREATE, &options));
    assert_ok(mallow_shared_close(heap));
    assert_int_equal(stat(path_of("readable"), &file), 0);
    assert_int_equal(file.st_mode & 07777, 0644);
    umask(0);
    assert_int_equal(mkdir(path_of("folder"), 0755), 0);
    assert_ok(mallow_shared_open_file(&heap, path_of("folder/old"), MALLOW_SHARED_CREATE, NULL));
    assert_ok(mallow_shared_close(heap));
    /* An ordinary user has only the access that the permissions of its own files allow. */
    if (geteuid() != 0) {
        chmod(path_of("closed"), 0);
        chmod(path_of("readable"), 0444);
        chmod(path_of("folder"), 0555);
    }
    as_nobody(use_denied);
    chmod(path_of("folder"), 0755);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(special_files), cmocka_unit_test(descriptors),
        cmocka_unit_test(empty_files),   cmocka_unit_test(names),
        cmocka_unit_test(sizes),         cmocka_unit_test(absurd_headers),
        cmocka_unit_test(permissions),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
