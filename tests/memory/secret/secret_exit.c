/* All secrets are cleared when the process exits. */
#include "unit.h"

#include <stdlib.h>

#include "kinds.h"
#include "marker.h"

static char *exit_secrets[5];

/* A destructor with this priority runs after the library's. */
static __attribute__((destructor(101))) void look_at_secrets(void) {
    if (exit_secrets[0] == NULL) return;
    for (int i = 0; i < 5; i++) {
        char *page = (char *)((uintptr_t)exit_secrets[i] / PAGE * PAGE);
        if (mprotect(page, PAGE, PROT_READ) != 0) _exit(3);
        for (size_t at = 0; at < PAGE; at++)
            if (page[at] != 0) _exit(4);
    }
    _exit(7);
}

static void expect_status(int expected, void (*act)(void)) {
    int status;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(60);
        act();
        exit(0);
    }
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), expected);
}

static void create(void) {
    for (int i = 0; i < 5; i++) {
        exit_secrets[i] = mallow_secret_alloc(i == 4 ? 2 * PAGE : 32, i == 3);
        write_marker(exit_secrets[i], 0);
    }
    mallow_secret_close(exit_secrets[1], MALLOW_SECRET_WRITE);
    mallow_secret_close(exit_secrets[3], MALLOW_SECRET_WRITE);
    mallow_secret_open(exit_secrets[4], MALLOW_SECRET_READ);
    mallow_secret_close(exit_secrets[4], MALLOW_SECRET_WRITE);
}

static void do_nothing(void) {}

static void fork_and_exit(void) {
    create();
    char *first = exit_secrets[0];
    exit_secrets[0] = NULL; /* the child has no secrets */
    expect_status(0, do_nothing);
    exit_secrets[0] = first;
    if (!is_marker(first, 0)) _exit(5);
}

static void secrets_are_cleared_at_exit(void **state) {
    (void)state;
    expect_status(7, create);
}

static void the_exit_of_a_child_changes_nothing(void **state) {
    (void)state;
    expect_status(7, fork_and_exit);
}

int main(int argc, char **argv) {
    choose_kind(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_cleared_at_exit),
        cmocka_unit_test(the_exit_of_a_child_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
