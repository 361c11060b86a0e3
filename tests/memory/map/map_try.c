/* mallow_map_try leaves a function whose access to a mapping faults. Each test that faults runs in
 * a child, because cmocka has handlers of its own. */
#include "map_test.h"

#include <pthread.h>
#include <signal.h>

static size_t page;
static struct mallow_map map;

#define IS(call, its_result) MUST((call) == (its_result))

static void make(int fd, size_t offset, size_t bytes, unsigned how) {
    signal(SIGSEGV, SIG_DFL);
    signal(SIGBUS, SIG_DFL);
    IS(mallow_map_descriptor(fd, offset, bytes, how, &map), MALLOW_OK);
}

static volatile size_t visited;

static void visit(void *argument) {
    const volatile char *data = map.data;
    size_t *count = argument;
    for (size_t i = 0; i < map.bytes; i += page) {
        (void)data[i];
        visited++;
        *count = i / page + 1;
    }
}

static void visit_in_vain(void *argument) {
    struct mallow_map outer = map;
    int fd = *(int *)argument;
    size_t count = 0;
    make(fd, 0, 3 * page, MALLOW_MAP_READ);
    MUST(ftruncate(fd, 0) == 0);
    IS(mallow_map_try(&map, visit, &count), MALLOW_TRUNCATED);
    map = outer;
    visit(&count); /* this fault leaves the outer call */
    MUST(false);
}

static void try_all(void) {
    size_t count = 0;
    int fd = make_unlinked(false, 5 * page), inner = make_unlinked(false, 3 * page);
    make(fd, 0, 5 * page, MALLOW_MAP_READ);
    sigset_t mask;
    sigemptyset(&mask);
    IS(mallow_map_try(&map, visit, &count), MALLOW_OK);
    MUST(visited == 5 && count == 5);
    MUST(ftruncate(fd, (off_t)(2 * page)) == 0);
    IS(mallow_map_try(&map, visit, &count), MALLOW_TRUNCATED);
    MUST(visited == 7 && count == 2);
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    MUST(!sigismember(&mask, SIGBUS));
    IS(mallow_map_try(&map, visit_in_vain, &inner), MALLOW_TRUNCATED);
    IS(mallow_map_try(&map, visit, &count), MALLOW_TRUNCATED);
    MUST(ftruncate(fd, (off_t)(5 * page - 1)) == 0);
    IS(mallow_map_try(&map, visit, &count), MALLOW_TRUNCATED); /* after the call */
    MUST(count == 5);
}

static struct mallow_map inner_map;

static void visit_outer(void *argument) {
    char byte;
    IS(mallow_map_read(&inner_map, 0, &byte, 1), MALLOW_OK); /* a call within the calls */
    visit(argument);
    MUST(false);
}

static void try_inner(void *argument) {
    mallow_map_try(&inner_map, visit_outer, argument);
    MUST(false);
}

/* An access to the mapping of the outer call faults in the inner call. */
static void leave_both(void) {
    size_t count = 0;
    int fd = make_unlinked(false, 3 * page), inner = make_unlinked(false, page);
    make(inner, 0, page, MALLOW_MAP_READ);
    inner_map = map;
    make(fd, 0, 3 * page, MALLOW_MAP_READ);
    MUST(ftruncate(fd, (off_t)page) == 0);
    for (int i = 0; i < 3; i++) {
        IS(mallow_map_try(&map, try_inner, &count), MALLOW_TRUNCATED);
        MUST(count == 1);
    }
    MUST(ftruncate(inner, 0) == 0);
}

static void after_both(void) {
    leave_both();
    (void)*(volatile char *)inner_map.data; /* no call protects this access any more */
}

static void after_try(void) {
    try_all();
    MUST(*((volatile char *)map.data + 5 * page - 1) == 0);
    int fd = make_unlinked(false, page);
    make(fd, 0, page, MALLOW_MAP_READ);
    MUST(ftruncate(fd, 0) == 0);
    (void)*(volatile char *)map.data; /* no call protects this */
}

static void callbacks_are_left(void **state) {
    (void)state;
    assert_int_equal(in_child(try_all), 0);
    assert_int_equal(WTERMSIG(in_child(after_try)), SIGBUS);
    assert_int_equal(in_child(leave_both), 0);
    assert_int_equal(WTERMSIG(in_child(after_both)), SIGBUS);
}

static void *read_often(void *truncated) {
    size_t count;
    for (int i = 0; i < 300; i++)
        if (mallow_map_try(&map, visit, &count) == MALLOW_TRUNCATED) ++*(int *)truncated;
    return NULL;
}

static void threads_fault(void) {
    pthread_t threads[4];
    int truncated[4] = {0}, fd = make_unlinked(false, 2 * page);
    make(fd, 0, 2 * page, MALLOW_MAP_READ);
    MUST(ftruncate(fd, (off_t)page) == 0);
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, read_often, &truncated[i]);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < 4; i++) MUST(truncated[i] == 300);
}

static void each_thread_has_its_own_call(void **state) {
    (void)state;
    assert_int_equal(in_child(threads_fault), 0);
}

static int measure(void **state) {
    (void)state;
    page = kernel_page();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(callbacks_are_left),
        cmocka_unit_test(each_thread_has_its_own_call),
    };
    return cmocka_run_group_tests(tests, measure, NULL);
}
