/* Tests of code that reports errors and continues. Each test runs in a process of its own and reads
 * the log of that process. */
#ifndef BODIES_H
#define BODIES_H

#include "occurrences.h"
#include "processes.h"

#include "unit.h" /* its skip() is a macro */

#include <string.h>
#include <sys/mman.h>

#include "base/settings.h"
#include "report/log.h"

static int log_file;

/* Returns what was reported since the last call. */
static inline const char *reported(void) {
    static char text[256 * 1024];
    ssize_t length = pread(log_file, text, sizeof text - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    CHECK_EQUAL(ftruncate(log_file, 0), 0);
    CHECK_EQUAL(lseek(log_file, 0, SEEK_SET), 0);
    return text;
}

/* Checks that the reports contain `expected`, or that there are none if it is empty. */
static inline void check_reported(const char *expected) {
    const char *text = reported();
    bool right = *expected == '\0' ? *text == '\0' : strstr(text, expected) != NULL;
    if (!right) check_failed("the report is \"%s\", not \"%s\"\n", text, expected);
}

struct body {
    const char *name;
    void (*run)(void);
};
#define BODY(name) {#name, name}

static inline void in_a_child(void **state) {
    const struct body *body = *state;
    pid_t child = start_child();
    if (child == 0) {
        log_file = memfd_create("log", 0);
        log_use(log_file);
        settings.check_action = CHECK_REPORT;
        body->run();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (status != 0) fail_msg("%s: status %#x", body->name, (unsigned)status);
}

enum { BODIES_MAX = 64 };

#define run_bodies(bodies) run_bodies_of(bodies, sizeof(bodies) / sizeof((bodies)[0]))

static inline int run_bodies_of(struct body *bodies, size_t count) {
    static struct CMUnitTest tests[BODIES_MAX];
    assert_true(count <= BODIES_MAX);
    for (size_t i = 0; i < count; i++)
        tests[i] = (struct CMUnitTest){bodies[i].name, in_a_child, NULL, NULL, &bodies[i]};
    return _cmocka_run_group_tests("bodies", tests, count, NULL, NULL);
}

#endif
