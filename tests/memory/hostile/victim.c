#include "victim.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the heap ---- */

struct board {
    mallow_shared_handle small, large, empty, list;
    mallow_shared_handle spare; /* not described */
    char rest[4056];
};

static struct board *board_of(struct mallow_shared *heap) {
    return mallow_shared_at_checked(heap, *mallow_shared_root(heap), sizeof(struct board));
}

void prepare(struct mallow_shared *heap) {
    assert_ok(mallow_shared_alloc_into(heap, mallow_shared_root(heap), sizeof(struct board)));
    struct board *board = board_of(heap);
    assert_ok(mallow_shared_alloc_into(heap, &board->small, 100));
    assert_ok(mallow_shared_alloc_into(heap, &board->large, 3000));
    assert_ok(mallow_shared_alloc_into(heap, &board->list, 24));
    assert_ok(mallow_shared_alloc_into(heap, &board->spare, 24));
    memset(mallow_shared_at(heap, board->small), 's', 100);
    memset(mallow_shared_at(heap, board->large), 'l', 3000);
    assert_ok(mallow_shared_set_name(heap, "large", board->large));
    assert_ok(mallow_shared_set_name(heap, "small", board->small));
}

static void describe_block(struct mallow_shared *heap, const char *what,
                           mallow_shared_handle handle, char text[TEXT]) {
    char *end = text + strlen(text);
    size_t size = 0, room = (size_t)(text + TEXT - end);
    if (handle == 0) {
        snprintf(end, room, "%s: none\n", what);
        return;
    }
    assert_ok(mallow_shared_size(heap, handle, &size));
    const unsigned char *bytes = mallow_shared_at_checked(heap, handle, size);
    uint64_t sum = 0;
    assert_non_null(bytes);
    for (size_t i = 0; i < size && i < 100; i++) sum = sum * 31 + bytes[i];
    snprintf(end, room, "%s: %llx, %zu bytes, %llx\n", what, (unsigned long long)handle, size,
             (unsigned long long)sum);
}

void describe(struct mallow_shared *heap, char text[TEXT]) {
    struct mallow_shared_finding finding;
    struct mallow_shared_statistics now;
    text[0] = '\0';
    if (mallow_shared_check(heap, &finding) != MALLOW_OK)
        fail_msg("%s at %llu", finding.problem, (unsigned long long)finding.position);
    assert_ok(mallow_shared_measure(heap, &now));
    assert_int_equal(now.used + now.free, now.size);
    snprintf(text, TEXT, "%llu blocks, %llu used, %llu requested\n", (unsigned long long)now.blocks,
             (unsigned long long)now.used, (unsigned long long)now.requested);
    struct board *board = board_of(heap);
    if (board == NULL) return;
    describe_block(heap, "small", board->small, text);
    describe_block(heap, "large", board->large, text);
    describe_block(heap, "empty", board->empty, text);
    describe_block(heap, "list", board->list, text);
    char name[MALLOW_SHARED_NAME_BYTES];
    mallow_shared_handle handle;
    for (unsigned cursor = 0; mallow_shared_next_name(heap, &cursor, name, &handle) == MALLOW_OK;) {
        size_t size;
        if (mallow_shared_size(heap, handle, &size) == MALLOW_OK)
            describe_block(heap, name, handle, text);
    }
}

void exercise(struct mallow_shared *heap) {
    mallow_shared_handle handle[40];
    for (int i = 0; i < 40; i++) assert_ok(mallow_shared_alloc(heap, (size_t)(i * i), &handle[i]));
    for (int i = 0; i < 40; i += 3) assert_ok(mallow_shared_resize(heap, &handle[i], 300));
    for (int i = 0; i < 40; i++) assert_ok(mallow_shared_free(heap, handle[i]));
    assert_ok(mallow_shared_check(heap, NULL));
}

/* ---- images ---- */

int new_image(void) {
    int fd = memfd_create("steps", MFD_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

void copy_image(int from, int to) {
    static char bytes[1 << 20];
    struct stat file;
    assert_int_equal(fstat(from, &file), 0);
    assert_true(file.st_size <= (off_t)sizeof bytes);
    assert_int_equal(pread(from, bytes, (size_t)file.st_size, 0), file.st_size);
    assert_int_equal(ftruncate(to, file.st_size), 0);
    assert_int_equal(pwrite(to, bytes, (size_t)file.st_size, 0), file.st_size);
}

struct mallow_shared *open_image(int fd, unsigned wait_ms) {
    struct mallow_shared *heap = NULL;
    struct mallow_shared_options options = {
        .size = 64 << 10, .maximum = 256 << 10, .wait_ms = wait_ms};
    assert_ok(mallow_shared_open_fd(&heap, fd, MALLOW_SHARED_OPEN_OR_CREATE, &options));
    return heap;
}

/* ---- the functions ---- */

static struct board *victim_board; /* the victim needs no call to find it */
static mallow_shared_handle victim_handle;

static void call_alloc(struct mallow_shared *heap) {
    mallow_shared_alloc(heap, 50, &victim_handle);
}
static void call_zalloc(struct mallow_shared *heap) {
    mallow_shared_zalloc(heap, 50, &victim_handle);
}
static void call_alloc_growing(struct mallow_shared *heap) {
    mallow_shared_alloc(heap, 120000, &victim_handle);
}
static void call_alloc_into(struct mallow_shared *heap) {
    mallow_shared_alloc_into(heap, &victim_board->empty, 40);
}
static void call_free(struct mallow_shared *heap) { mallow_shared_free(heap, victim_handle); }
static void call_free_from(struct mallow_shared *heap) {
    mallow_shared_free_from(heap, &victim_board->list);
}
static void call_resize_moving(struct mallow_shared *heap) {
    mallow_shared_resize_in(heap, &victim_board->list, 1500);
}
static void call_resize_growing(struct mallow_shared *heap) {
    mallow_shared_resize_in(heap, &victim_board->list, 100000);
}
static void call_resize_in_place(struct mallow_shared *heap) {
    mallow_shared_resize_in(heap, &victim_board->small, 120);
}
static void call_resize_shrinking(struct mallow_shared *heap) {
    mallow_shared_resize_in(heap, &victim_board->large, 10);
}
static void call_resize(struct mallow_shared *heap) {
    mallow_shared_resize(heap, &victim_handle, 2000);
}
static void call_move(struct mallow_shared *heap) {
    mallow_shared_move(heap, &victim_board->small, &victim_board->empty, 0);
}
static void call_move_then(struct mallow_shared *heap) {
    mallow_shared_move(heap, &victim_board->list, &victim_board->empty, victim_board->small);
}
static void call_set_name(struct mallow_shared *heap) {
    mallow_shared_set_name(heap, "list", victim_board->list);
}
static void call_replace_name(struct mallow_shared *heap) {
    mallow_shared_set_name(heap, "large", victim_board->small);
}
static void call_find_or_alloc(struct mallow_shared *heap) {
    mallow_shared_find_or_alloc(heap, "new", 70, &victim_handle, NULL);
}
static void call_remove_name(struct mallow_shared *heap) {
    mallow_shared_remove_name(heap, "large");
}
static void call_grow(struct mallow_shared *heap) { mallow_shared_grow(heap, 190000); }
static void call_close(struct mallow_shared *heap) { mallow_shared_close(heap); }

const struct function functions[FUNCTIONS] = {
    {"alloc", call_alloc},
    {"zalloc", call_zalloc},
    {"alloc that grows", call_alloc_growing},
    {"alloc_into", call_alloc_into},
    {"free", call_free},
    {"free_from", call_free_from},
    {"resize_in that moves", call_resize_moving},
    {"resize_in that grows", call_resize_growing},
    {"resize_in in place", call_resize_in_place},
    {"resize_in that shrinks", call_resize_shrinking},
    {"resize", call_resize},
    {"move", call_move},
    {"move with then", call_move_then},
    {"set_name", call_set_name},
    {"set_name that replaces", call_replace_name},
    {"find_or_alloc", call_find_or_alloc},
    {"remove_name", call_remove_name},
    {"grow", call_grow},
    {"close", call_close},
};

action function_of(const char *name) {
    for (int i = 0; i < FUNCTIONS; i++)
        if (strcmp(functions[i].name, name) == 0) return functions[i].call;
    fail_msg("no function %s", name);
    return NULL;
}

void prepare_call(struct mallow_shared *heap) {
    victim_board = board_of(heap);
    victim_handle = victim_board == NULL ? 0 : victim_board->spare;
}

/* ---- victims ---- */

pid_t start_victim(struct mallow_shared *heap, int fd, action call) {
    fflush(NULL);
    pid_t victim = fork();
    assert_true(victim >= 0);
    if (victim == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) _exit(77);
        if (heap != NULL) prepare_call(heap);
        raise(SIGSTOP);
        if (call != NULL)
            call(heap);
        else
            heap = open_image(fd, 0);
        raise(DONE);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(victim, &status, 0), victim);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) skip();
    assert_true(WIFSTOPPED(status));
    return victim;
}

bool step_victim(pid_t victim) {
    int status;
    assert_int_equal(ptrace(PTRACE_SINGLESTEP, victim, NULL, NULL), 0);
    assert_int_equal(waitpid(victim, &status, 0), victim);
    if (!WIFSTOPPED(status)) fail_msg("the victim ended with status %x", (unsigned)status);
    if (WSTOPSIG(status) == DONE) return false;
    if (WSTOPSIG(status) != SIGTRAP) fail_msg("the victim got the signal %d", WSTOPSIG(status));
    return true;
}

void kill_victim(pid_t victim) {
    int status;
    assert_int_equal(kill(victim, SIGKILL), 0);
    assert_int_equal(waitpid(victim, &status, 0), victim);
    assert_true(WIFSIGNALED(status));
}
