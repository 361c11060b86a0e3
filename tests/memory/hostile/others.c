/*
 * Tests what other processes can do to the file of a heap in use: remove it, replace it, truncate
 * it, fill its file system, or pass it to another user.
 */
#include "../../support/check.h"

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mallow/shared.h>

enum { HANGING_SECONDS = 200, NOBODY = 65534, UNAVAILABLE = 77 };

#define EXPECT(call)                                                                           \
    do {                                                                                       \
        enum mallow_result expect_result = (call);                                             \
        if (expect_result != MALLOW_OK)                                                        \
            check_failed("%s:%d: %s: %d, %s\n", __FILE__, __LINE__, #call, (int)expect_result, \
                         mallow_error_text(expect_result));                                    \
    } while (0)

static char folder[] = "/tmp/mallow-others-XXXXXX", path[64], name[64];

static const struct mallow_shared_options usual = {.size = 64 << 10, .maximum = 16 << 20};

static int set_up(void **state) {
    (void)state;
    alarm(HANGING_SECONDS);
    if (mkdtemp(folder) == NULL) return -1;
    snprintf(path, sizeof path, "%s/heap", folder);
    snprintf(name, sizeof name, "/mallow-others-%d", (int)getpid());
    return chmod(folder, 0755);
}

static int tear_down(void **state) {
    (void)state;
    mallow_shared_unlink(name);
    mallow_shared_unlink_file(path);
    return rmdir(folder);
}

/* Runs the function in a child, and returns the child's status. */
static int in_child(void (*test)(void)) {
    mallow_shared_unlink_file(path); /* the file of a test that failed */
    int status;
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(HANGING_SECONDS);
        signal(SIGBUS, SIG_DFL); /* cmocka handles it */
        test();
        _exit(0);
    }
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    return status;
}

static void fill_blocks(struct mallow_shared *heap) {
    mallow_shared_handle handle[50];
    for (size_t i = 0; i < 50; i++) {
        EXPECT(mallow_shared_alloc(heap, i * 20, &handle[i]));
        memset(mallow_shared_at(heap, handle[i]), 7, i * 20);
    }
    for (size_t i = 0; i < 50; i++) EXPECT(mallow_shared_free(heap, handle[i]));
}

/* ---- removal ---- */

static void removed(void **state) {
    (void)state;
    for (int is_file = 0; is_file < 2; is_file++) {
        struct mallow_shared *old = NULL, *other = NULL, *new = NULL;
        mallow_shared_handle handle = 0;
#define OPEN(heap, how)                                             \
    (is_file ? mallow_shared_open_file((heap), path, (how), &usual) \
             : mallow_shared_open((heap), name, (how), &usual))
        EXPECT(OPEN(&old, MALLOW_SHARED_CREATE));
        EXPECT(OPEN(&other, MALLOW_SHARED_OPEN));
        EXPECT(is_file ? mallow_shared_unlink_file(path) : mallow_shared_unlink(name));
        assert_int_equal(OPEN(&new, MALLOW_SHARED_OPEN), MALLOW_NOT_FOUND);
        EXPECT(mallow_shared_find_or_alloc(old, "mine", 10, &handle, NULL));
        EXPECT(mallow_shared_find(other, "mine", &handle));
        EXPECT(OPEN(&new, MALLOW_SHARED_CREATE));
        assert_int_equal(mallow_shared_find(new, "mine", &handle), MALLOW_NOT_FOUND);
        assert_int_equal(mallow_shared_free(new, handle), MALLOW_FOREIGN_HANDLE);
        EXPECT(mallow_shared_grow(other, 1 << 20));
        EXPECT(mallow_shared_close(old));
        fill_blocks(other);
        EXPECT(mallow_shared_close(other));
        fill_blocks(new);
        EXPECT(mallow_shared_close(new));
        EXPECT(is_file ? mallow_shared_unlink_file(path) : mallow_shared_unlink(name));
    }
}

/* Processes that create and remove a heap in turn never get a heap without a name, or an error. */
static void create_and_remove(void) {
    for (int i = 0; i < 150; i++) {
        struct mallow_shared *heap = NULL;
        EXPECT(mallow_shared_open(&heap, name, MALLOW_SHARED_OPEN_OR_CREATE, &usual));
        fill_blocks(heap);
        enum mallow_result result = mallow_shared_unlink(name);
        CHECK(result == MALLOW_OK || result == MALLOW_NOT_FOUND);
        EXPECT(mallow_shared_close(heap));
    }
}

static void removed_in_turn(void **state) {
    (void)state;
    fflush(NULL);
    for (int i = 0; i < 4; i++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(HANGING_SECONDS);
            create_and_remove();
            _exit(0);
        }
    }
    for (int i = 0, status; i < 4; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
}

/* ---- descriptors ---- */

static void send_fd(int socket, int fd) {
    char space[CMSG_SPACE(sizeof(int))] = {0}, byte = 'x';
    struct iovec part = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    struct cmsghdr *control = CMSG_FIRSTHDR(&message);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(control), &fd, sizeof fd);
    CHECK_EQUAL(sendmsg(socket, &message, 0), 1);
}

static int receive_fd(int socket) {
    char space[CMSG_SPACE(sizeof(int))] = {0}, byte;
    struct iovec part = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    CHECK_EQUAL(recvmsg(socket, &message, 0), 1);
    int fd;
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return fd;
}

/* Another user gets only the descriptor. It also needs the permission to open the file. */
static void pass(struct mallow_shared *heap, bool is_permitted) {
    int ends[2], status;
    mallow_shared_handle handle = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    EXPECT(mallow_shared_find_or_alloc(heap, "text", 20, &handle, NULL));
    strcpy(mallow_shared_at(heap, handle), "passed on");
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        close(mallow_shared_fd(heap));
        if (geteuid() == 0) CHECK(setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
        struct mallow_shared *received = NULL;
        int fd = receive_fd(ends[1]);
        if (!is_permitted) {
            CHECK_EQUAL(mallow_shared_open_fd(&received, fd, MALLOW_SHARED_OPEN, NULL),
                        MALLOW_DENIED);
            _exit(0);
        }
        EXPECT(mallow_shared_open_fd(&received, fd, MALLOW_SHARED_OPEN, NULL));
        close(fd);
        EXPECT(mallow_shared_find(received, "text", &handle));
        CHECK(strcmp(mallow_shared_at(received, handle), "passed on") == 0);
        fill_blocks(received);
        EXPECT(mallow_shared_free(received, handle));
        EXPECT(mallow_shared_close(received));
        _exit(0);
    }
    send_fd(ends[0], mallow_shared_fd(heap));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(mallow_shared_free(heap, handle),
                     is_permitted ? MALLOW_ALREADY_FREE : MALLOW_OK);
    EXPECT(mallow_shared_remove_name(heap, "text"));
    EXPECT(mallow_shared_check(heap, NULL));
    close(ends[0]);
    close(ends[1]);
}

static void passed_memfd(void **state) {
    (void)state;
    struct mallow_shared *heap = NULL;
    EXPECT(mallow_shared_memfd(&heap, &usual));
    pass(heap, true);
    EXPECT(mallow_shared_close(heap));
}

static void passed_file(void **state) {
    (void)state;
    struct mallow_shared *heap = NULL;
    EXPECT(mallow_shared_open_file(&heap, path, MALLOW_SHARED_CREATE, &usual));
    pass(heap, geteuid() != 0);
    assert_int_equal(chmod(path, 0666), 0);
    pass(heap, true);
    EXPECT(mallow_shared_close(heap));
    EXPECT(mallow_shared_unlink_file(path));
}

/* ---- truncation ---- */

static void truncate_while_open(void) {
    struct mallow_shared *heap = NULL;
    mallow_shared_handle handle = 0;
    EXPECT(mallow_shared_open_file(&heap, path, MALLOW_SHARED_CREATE, &usual));
    CHECK_EQUAL(truncate(path, 5000), 0);
    for (int i = 0; i < 100; i++)
        if (mallow_shared_alloc(heap, 100, &handle) == MALLOW_OK) mallow_shared_free(heap, handle);
    mallow_shared_close(heap);
}

/* The process that has it open may die of SIGBUS. The image is then refused, and no process
 * hangs. */
static void truncated(void **state) {
    (void)state;
    int status = in_child(truncate_while_open);
    struct mallow_shared *heap = NULL;
    assert_true(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS));
    assert_int_equal(mallow_shared_open_file(&heap, path, MALLOW_SHARED_OPEN, NULL),
                     MALLOW_DAMAGED);
    assert_int_equal(mallow_shared_open_file(&heap, path, MALLOW_SHARED_READ_ONLY, NULL),
                     MALLOW_DAMAGED);
    EXPECT(mallow_shared_unlink_file(path));
}

/* ---- limits ---- */

static void grow_to_limit(void) {
    struct mallow_shared *heap = NULL;
    mallow_shared_handle handle = 0;
    struct rlimit limit = {1 << 20, 1 << 20};
    EXPECT(mallow_shared_open_file(&heap, path, MALLOW_SHARED_CREATE, &usual));
    CHECK_EQUAL(setrlimit(RLIMIT_FSIZE, &limit), 0);
    CHECK_EQUAL(mallow_shared_grow(heap, 8 << 20), MALLOW_AT_LIMIT);
    CHECK(strstr(mallow_error_text(MALLOW_AT_LIMIT), "RLIMIT_FSIZE") != NULL);
    CHECK_EQUAL(mallow_shared_alloc(heap, 3 << 20, &handle), MALLOW_AT_LIMIT);
    fill_blocks(heap);
    EXPECT(mallow_shared_check(heap, NULL));
    EXPECT(mallow_shared_close(heap));
}

static void file_size_limit(void **state) {
    (void)state;
    assert_int_equal(in_child(grow_to_limit), 0);
    EXPECT(mallow_shared_unlink_file(path));
}

/* The heap has reserved all memory that it writes to, so a full file system never causes SIGBUS. */
static void fill_file_system(void) {
    struct mallow_shared *heap = NULL;
    mallow_shared_handle handle = 0, list = 0;
    char file[100], page[4096] = {1};
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("heap", folder, "tmpfs", 0, "size=2m") != 0)
        _exit(UNAVAILABLE);
    EXPECT(mallow_shared_open_file(&heap, path, MALLOW_SHARED_CREATE, &usual));
    snprintf(file, sizeof file, "%s/other", folder);
    int fd = open(file, O_CREAT | O_WRONLY, 0600);
    while (write(fd, page, sizeof page) == sizeof page) continue;
    CHECK_EQUAL(errno, ENOSPC);
    for (size_t i = 0; mallow_shared_alloc(heap, 8 + i % 100, &handle) == MALLOW_OK; i += 7) {
        memset(mallow_shared_at(heap, handle), 1, 8 + i % 100);
        *(mallow_shared_handle *)mallow_shared_at(heap, handle) = list;
        list = handle;
    }
    CHECK_EQUAL(errno, ENOSPC);
    while (mallow_shared_alloc(heap, 16, &handle) == MALLOW_OK) {
        *(mallow_shared_handle *)mallow_shared_at(heap, handle) = list;
        list = handle;
    }
    EXPECT(mallow_shared_check(heap, NULL));
    CHECK_EQUAL(mallow_shared_commit(heap), MALLOW_NO_MEMORY);
    while (list != 0) {
        mallow_shared_handle next = *(mallow_shared_handle *)mallow_shared_at(heap, list);
        EXPECT(mallow_shared_free(heap, list));
        list = next;
    }
    fill_blocks(heap);
    CHECK_EQUAL(ftruncate(fd, 0), 0);
    EXPECT(mallow_shared_grow(heap, 256 << 10));
    EXPECT(mallow_shared_commit(heap));
    EXPECT(mallow_shared_close(heap));
    EXPECT(mallow_shared_open_file(&heap, path, MALLOW_SHARED_OPEN, NULL));
    EXPECT(mallow_shared_close(heap));
}

static void full_file_system(void **state) {
    (void)state;
    int status = in_child(fill_file_system);
    if (WIFEXITED(status) && WEXITSTATUS(status) == UNAVAILABLE) skip();
    assert_int_equal(status, 0);
}

/* ---- copies ---- */

/* A copy of an image is a separate heap, with the same handles. */
static void copied(void **state) {
    (void)state;
    char command[300], other_path[100];
    struct mallow_shared *heap = NULL, *copy = NULL;
    mallow_shared_handle handle = 0;
    snprintf(other_path, sizeof other_path, "%s.copy", path);
    snprintf(command, sizeof command, "cp %s %s", path, other_path);
    EXPECT(mallow_shared_open_file(&heap, path, MALLOW_SHARED_CREATE, &usual));
    EXPECT(mallow_shared_find_or_alloc(heap, "text", 20, &handle, NULL));
    strcpy(mallow_shared_at(heap, handle), "copied");
    EXPECT(mallow_shared_close(heap));
    assert_int_equal(system(command), 0);
    EXPECT(mallow_shared_open_file(&heap, path, MALLOW_SHARED_OPEN, NULL));
    EXPECT(mallow_shared_open_file(&copy, other_path, MALLOW_SHARED_OPEN, NULL));
    EXPECT(mallow_shared_free(heap, handle));
    assert_string_equal(mallow_shared_at_checked(copy, handle, 20), "copied");
    fill_blocks(heap);
    fill_blocks(copy);
    EXPECT(mallow_shared_close(heap));
    EXPECT(mallow_shared_close(copy));
    EXPECT(mallow_shared_unlink_file(path));
    EXPECT(mallow_shared_unlink_file(other_path));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(removed),          cmocka_unit_test(removed_in_turn),
        cmocka_unit_test(passed_memfd),     cmocka_unit_test(passed_file),
        cmocka_unit_test(truncated),        cmocka_unit_test(file_size_limit),
        cmocka_unit_test(full_file_system), cmocka_unit_test(copied),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
