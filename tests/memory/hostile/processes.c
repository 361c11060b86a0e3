/*
 * Tests unrelated programs, children, threads and signal handlers that share a heap. The program
 * executes itself: `processes ROLE ARGUMENT`.
 */
#include "../../support/check.h"

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <mallow/shared.h>

#include "../../support/random.h"

enum { HANGING_SECONDS = 200, NOBODY = 65534, ROUNDS = 2000 };

#define EXPECT(call)                                                                           \
    do {                                                                                       \
        enum mallow_result expect_result = (call);                                             \
        if (expect_result != MALLOW_OK)                                                        \
            check_failed("%s:%d: %s: %d, %s\n", __FILE__, __LINE__, #call, (int)expect_result, \
                         mallow_error_text(expect_result));                                    \
    } while (0)

static char heap_name[64], heap_path[64];

static int set_up(void **state) {
    (void)state;
    alarm(HANGING_SECONDS);
    snprintf(heap_name, sizeof heap_name, "/mallow-processes-%d", (int)getpid());
    snprintf(heap_path, sizeof heap_path, "/tmp/mallow-processes-%d", (int)getpid());
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    mallow_shared_unlink(heap_name);
    mallow_shared_unlink_file(heap_path);
    return 0;
}

static const struct mallow_shared_options usual = {.size = 64 << 10, .maximum = 4 << 20};

static void wait_for(pid_t child) {
    int status;
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK_EQUAL(status, 0);
}

static pid_t start_program(const char *role, const char *argument, int passed) {
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child != 0) return child;
    alarm(HANGING_SECONDS);
    if (passed >= 0) dup2(passed, STDIN_FILENO);
    execl("/proc/self/exe", "processes", role, argument, NULL);
    _exit(127);
}

/* Returns true if the image was closed, and not just left: then a changed byte of a block is found.
 */
static bool is_sealed(int fd) {
    static char image[8 << 20];
    struct stat file;
    CHECK_EQUAL(fstat(fd, &file), 0);
    CHECK(file.st_size > 0 && file.st_size <= (off_t)sizeof image);
    CHECK_EQUAL(pread(fd, image, (size_t)file.st_size, 0), file.st_size);
    image[file.st_size - 1] ^= 1;
    int copy = memfd_create("copy", MFD_CLOEXEC);
    CHECK_EQUAL(write(copy, image, (size_t)file.st_size), file.st_size);
    struct mallow_shared *heap = NULL;
    enum mallow_result result = mallow_shared_open_fd(&heap, copy, MALLOW_SHARED_READ_ONLY, NULL);
    if (result == MALLOW_OK) EXPECT(mallow_shared_close(heap));
    CHECK(result == MALLOW_OK || result == MALLOW_DAMAGED);
    close(copy);
    return result == MALLOW_DAMAGED;
}

/* ---- programs ---- */

struct total {
    uint64_t count, processes;
};

/* Counts in a block that all programs find by its name. */
static int role_counter(const char *name) {
    struct mallow_shared *heap = NULL;
    mallow_shared_handle handle = 0, own[10];
    void *elsewhere = mmap(NULL, (size_t)(getpid() % 64 + 1) << 20, PROT_NONE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(elsewhere != MAP_FAILED);
    EXPECT(mallow_shared_open(&heap, name, MALLOW_SHARED_OPEN_OR_CREATE, &usual));
    bool created = false;
    EXPECT(mallow_shared_find_or_alloc(heap, "total", sizeof(struct total), &handle, &created));
    struct total *total = mallow_shared_at_checked(heap, handle, sizeof *total);
    CHECK(total != NULL);
    CHECK_EQUAL(mallow_shared_handle_of(heap, total), handle);
    __atomic_add_fetch(&total->processes, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < ROUNDS; i++) {
        size_t size = (size_t)(i % 900);
        EXPECT(mallow_shared_alloc(heap, size, &own[i % 10]));
        memset(mallow_shared_at(heap, own[i % 10]), getpid() & 0x7f, size);
        __atomic_add_fetch(&total->count, 1, __ATOMIC_RELAXED);
        if (i % 10 == 9)
            for (int k = 9; k >= 0; k--) EXPECT(mallow_shared_free(heap, own[k]));
    }
    EXPECT(mallow_shared_close(heap));
    return 0;
}

static void unrelated_programs(void **state) {
    (void)state;
    pid_t child[4];
    for (int i = 0; i < 4; i++) child[i] = start_program("counter", heap_name, -1);
    for (int i = 0; i < 4; i++) wait_for(child[i]);
    struct mallow_shared *heap = NULL, *again = NULL;
    struct mallow_shared_statistics now;
    mallow_shared_handle handle = 0;
    EXPECT(mallow_shared_open(&heap, heap_name, MALLOW_SHARED_OPEN, NULL));
    EXPECT(mallow_shared_find(heap, "total", &handle));
    const struct total *total = mallow_shared_at(heap, handle);
    assert_int_equal(total->processes, 4);
    assert_int_equal(total->count, 4 * ROUNDS);
    EXPECT(mallow_shared_measure(heap, &now));
    assert_int_equal(now.blocks, 1);
    assert_int_equal(now.repairs, 0);

    /* One process may open a heap twice, at two addresses. */
    EXPECT(mallow_shared_open(&again, heap_name, MALLOW_SHARED_OPEN, NULL));
    const struct total *elsewhere = mallow_shared_at(again, handle);
    assert_ptr_not_equal(total, elsewhere);
    ((struct total *)mallow_shared_at(heap, handle))->count = 99;
    assert_int_equal(elsewhere->count, 99);
    EXPECT(mallow_shared_free(again, handle));
    assert_int_equal(mallow_shared_free(heap, handle), MALLOW_ALREADY_FREE);
    EXPECT(mallow_shared_close(heap));
    EXPECT(mallow_shared_check(again, NULL));
    EXPECT(mallow_shared_close(again));
    EXPECT(mallow_shared_unlink(heap_name));
}

/* ---- fork and execve ---- */

static void children(void **state) {
    (void)state;
    struct mallow_shared *heap = NULL;
    int fd = memfd_create("children", MFD_CLOEXEC);
    for (int child_is_last = 0; child_is_last < 2; child_is_last++) {
        int ends[2];
        char byte;
        assert_int_equal(pipe(ends), 0);
        EXPECT(mallow_shared_open_fd(&heap, fd, MALLOW_SHARED_OPEN_OR_CREATE, &usual));
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            mallow_shared_handle handle = 0;
            close(ends[1]);
            EXPECT(mallow_shared_alloc(heap, 100, &handle));
            EXPECT(mallow_shared_free(heap, handle));
            if (child_is_last) CHECK_EQUAL(read(ends[0], &byte, 1), 0);
            CHECK(!is_sealed(fd));
            EXPECT(mallow_shared_close(heap));
            CHECK_EQUAL(is_sealed(fd), child_is_last);
            _exit(0);
        }
        close(ends[0]);
        if (!child_is_last) wait_for(child);
        assert_false(is_sealed(fd));
        EXPECT(mallow_shared_check(heap, NULL));
        EXPECT(mallow_shared_close(heap));
        assert_int_equal(is_sealed(fd), !child_is_last);
        close(ends[1]);
        if (child_is_last) wait_for(child);
        assert_true(is_sealed(fd));
    }
    close(fd);
}

/* After a child has exited without closing the heap, the parent is the last process. */
static void child_ends(void **state) {
    (void)state;
    struct mallow_shared *heap = NULL;
    int fd = memfd_create("child", MFD_CLOEXEC);
    EXPECT(mallow_shared_open_fd(&heap, fd, MALLOW_SHARED_CREATE, &usual));
    for (int i = 0; i < 3; i++) {
        fflush(NULL);
        pid_t child = fork();
        mallow_shared_handle handle = 0;
        if (child == 0) {
            EXPECT(mallow_shared_alloc(heap, 100, &handle));
            if (i == 1) execl("/bin/true", "true", NULL);
            if (i == 2) kill(getpid(), SIGKILL);
            _exit(0);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, i == 2 ? SIGKILL : 0);
    }
    EXPECT(mallow_shared_close(heap));
    assert_true(is_sealed(fd));
    close(fd);
}

/* No descriptor or mapping of a heap survives execve. */
static int role_descriptors(const char *unused) {
    (void)unused;
    for (int fd = 3; fd < 100; fd++) CHECK(fcntl(fd, F_GETFD) < 0);
    return 0;
}

static void executed(void **state) {
    (void)state;
    struct mallow_shared *heap = NULL, *file = NULL;
    /* Other descriptors of this process, such as those of ctest, do not belong to the library. */
    for (int fd = 3; fd < 100; fd++) fcntl(fd, F_SETFD, FD_CLOEXEC);
    EXPECT(mallow_shared_memfd(&heap, &usual));
    EXPECT(mallow_shared_open_file(&file, heap_path, MALLOW_SHARED_OPEN_OR_CREATE, &usual));
    wait_for(start_program("descriptors", "", -1));
    EXPECT(mallow_shared_close(heap));
    EXPECT(mallow_shared_close(file));
    EXPECT(mallow_shared_unlink_file(heap_path));
}

/* ---- threads ---- */

struct job {
    struct mallow_shared *heap;
    uint64_t random;
    long rounds; /* -1: until the process is killed */
};

static void *allocate_and_free(void *argument) {
    struct job *job = argument;
    mallow_shared_handle handle[20] = {0};
    uint64_t own = job->random;
    for (long i = 0; i != job->rounds; i++) {
        size_t k = random_below(&job->random, 20), size = 8 + random_below(&job->random, 500);
        if (handle[k] != 0) {
            CHECK(*(uint64_t *)mallow_shared_at(job->heap, handle[k]) == own + k);
            EXPECT(mallow_shared_free(job->heap, handle[k]));
        }
        EXPECT(mallow_shared_alloc(job->heap, size, &handle[k]));
        *(uint64_t *)mallow_shared_at(job->heap, handle[k]) = own + k;
    }
    for (int k = 0; k < 20; k++) EXPECT(mallow_shared_free(job->heap, handle[k]));
    return NULL;
}

static void run_threads(struct mallow_shared *heap, uint64_t random, long rounds) {
    pthread_t thread[4];
    struct job job[4];
    for (unsigned i = 0; i < 4; i++) {
        job[i] = (struct job){heap, (random + i) * 0x9e3779b97f4a7c15 | 1, rounds};
        CHECK_EQUAL(pthread_create(&thread[i], NULL, allocate_and_free, &job[i]), 0);
    }
    for (int i = 0; i < 4; i++) pthread_join(thread[i], NULL);
}

static void threads_and_processes(void **state) {
    (void)state;
    struct mallow_shared *heap = NULL;
    struct mallow_shared_statistics now;
    EXPECT(mallow_shared_memfd(&heap, &usual));
    fflush(NULL);
    pid_t child[3];
    for (unsigned i = 0; i < 3; i++) {
        child[i] = fork();
        if (child[i] == 0) {
            run_threads(heap, i + 1, 2000);
            _exit(0);
        }
    }
    run_threads(heap, 77, 2000);
    for (int i = 0; i < 3; i++) wait_for(child[i]);
    EXPECT(mallow_shared_check(heap, NULL));
    EXPECT(mallow_shared_measure(heap, &now));
    assert_int_equal(now.blocks, 0);

    /* A process with several threads is killed. Each of the threads loses its block. */
    for (unsigned i = 0; i < 20; i++) {
        pid_t victim = fork();
        if (victim == 0) run_threads(heap, i + 10, -1);
        run_threads(heap, i + 1000, 30 * (i + 1));
        kill(victim, SIGKILL);
        int status;
        assert_int_equal(waitpid(victim, &status, 0), victim);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        EXPECT(mallow_shared_check(heap, NULL));
    }
    EXPECT(mallow_shared_measure(heap, &now));
    assert_in_range(now.blocks, 0, 20 * 4 * 21);
    EXPECT(mallow_shared_close(heap));
}

/* ---- signal handlers ---- */

static struct mallow_shared *handler_heap;
static int handler_calls, handler_refusals;

static void handle_signal(int number) {
    (void)number;
    int error = errno;
    mallow_shared_handle handle = 0;
    enum mallow_result result = mallow_shared_alloc(handler_heap, 64, &handle);
    if (result == MALLOW_OK)
        EXPECT(mallow_shared_free(handler_heap, handle));
    else
        CHECK(result == MALLOW_BUSY && errno == EDEADLK);
    handler_calls++;
    handler_refusals += result != MALLOW_OK;
    errno = error;
}

/* A handler that interrupts a function of the library is refused, and does not wait for itself. */
static void signal_handlers(void **state) {
    (void)state;
    EXPECT(mallow_shared_memfd(&handler_heap, &usual));
    struct sigaction action = {.sa_handler = handle_signal, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    timer_t timer;
    assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    timer_settime(timer, 0, &(struct itimerspec){{0, 50000}, {0, 50000}}, NULL);
    struct job job = {handler_heap, 5, 2000};
    for (int i = 0; i < 100 && handler_refusals < 20; i++) allocate_and_free(&job);
    timer_delete(timer);
    print_message("%d calls in a handler, %d of them refused\n", handler_calls, handler_refusals);
    EXPECT(mallow_shared_check(handler_heap, NULL));
    EXPECT(mallow_shared_close(handler_heap));
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "counter") == 0) return role_counter(argv[2]);
    if (argc == 3 && strcmp(argv[1], "descriptors") == 0) return role_descriptors(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unrelated_programs),
        cmocka_unit_test(children),
        cmocka_unit_test(child_ends),
        cmocka_unit_test(executed),
        cmocka_unit_test(threads_and_processes),
        cmocka_unit_test(signal_handlers),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
