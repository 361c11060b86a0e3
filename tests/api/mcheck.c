/*
 * mcheck(3), mcheck_pedantic, mcheck_check_all and mprobe behave as in libc's debugging library,
 * except that checks can begin at any time and earlier blocks pass them:
 *     mcheck PART
 * The behaviour of libc was found by experiment.
 */
#include <errno.h>
#include <mcheck.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "processes.h"

enum { LARGE = 300001 };
#define NOTHING MCHECK_DISABLED

static enum mcheck_status last = NOTHING;
static int calls;

static void note(enum mcheck_status status) {
    last = status;
    calls++;
}

static void check_noted(int expected_calls, enum mcheck_status expected) {
    CHECK_EQUAL(calls, expected_calls);
    CHECK_EQUAL(last, expected);
    calls = 0;
    last = NOTHING;
}

static void *get(size_t size) {
    void *volatile p = malloc(size);
    CHECK(p != NULL);
    return p;
}

static void check_probe(char *p, enum mcheck_status expected) {
    CHECK_EQUAL(mprobe(p), expected);
    if (expected != MCHECK_OK) check_noted(1, expected);
    CHECK_EQUAL(calls, 0);
}

static void blocks_from_before(void) {
    static const size_t sizes[] = {1, 40, 5000, 100000, 1 << 20};
    enum { COUNT = sizeof sizes / sizeof sizes[0] };
    char *early[COUNT], *freed = get(40);
    for (int i = 0; i < COUNT; i++) {
        early[i] = get(sizes[i]);
        CHECK_EQUAL(mprobe(early[i]), MCHECK_DISABLED);
    }
    free(freed);
    mcheck_check_all();
    CHECK_EQUAL(mcheck(note), 0);
    for (int i = 0; i < COUNT; i++) {
        check_probe(early[i], MCHECK_OK);
        early[i] = realloc(early[i], 2 * sizes[i]);
        check_probe(early[i], MCHECK_OK);
        free(early[i]);
    }
    check_probe(freed, MCHECK_FREE);
    mcheck_check_all();
    CHECK_EQUAL(calls, 0);
}

static void probe_size(size_t size) {
    char *volatile p = get(size);
    check_probe(p, MCHECK_OK);
    p[size] ^= 1;
    check_probe(p, MCHECK_TAIL);
    check_probe(p, MCHECK_TAIL);
    p[size] ^= 1;
    p[-1] ^= 1;
    check_probe(p, MCHECK_HEAD);
    p[-1] ^= 1;
    check_probe(p, MCHECK_OK);
    check_probe(p + 16, MCHECK_HEAD);
    free(p);
    check_probe(p, MCHECK_FREE);
}

static void probes(void) {
    int local;
    CHECK_EQUAL(mcheck(note), 0);
    for (size_t size = 20; size < 30000; size *= 3) probe_size(size);
    probe_size(LARGE);
    check_probe((char *)&local, MCHECK_HEAD);
    check_probe(NULL, MCHECK_HEAD);
}

/* The program continues after the handler, as after a report. */
static void calls_find_it(void) {
    CHECK_EQUAL(mcheck(note), 0);
    char *volatile p = get(20);
    char *volatile live = get(20);
    p[20] ^= 1;
    errno = 123;
    free(p);
    CHECK_EQUAL(errno, 123);
    check_noted(1, MCHECK_TAIL);
    free(p);
    check_noted(1, MCHECK_FREE);
    p = get(20);
    p[-1] ^= 1;
    p = realloc(p, 50);
    check_noted(1, MCHECK_HEAD);
    CHECK(p != NULL);
    free(live + 1);
    check_noted(1, MCHECK_HEAD);
    live[20] ^= 1;
    free(get(1));
    CHECK_EQUAL(calls, 0);
    mcheck_check_all();
    check_noted(1, MCHECK_TAIL);
    live[20] ^= 1;
    free(live);
    free(p);
    CHECK_EQUAL(calls, 0);
}

static int other_calls;
static void note_other(enum mcheck_status status) {
    CHECK_EQUAL(status, MCHECK_TAIL);
    other_calls++;
}

static void handlers_are_replaced(void) {
    char *volatile p = get(20);
    CHECK_EQUAL(mcheck(note), 0);
    p = get(20);
    p[20] ^= 1;
    CHECK_EQUAL(mcheck(note_other), 0);
    CHECK_EQUAL(mprobe(p), MCHECK_TAIL);
    CHECK_EQUAL(calls, 0);
    CHECK_EQUAL(other_calls, 1);
    p[20] ^= 1;
}

static void check_each_call_tells(char *volatile bad) {
    char *volatile p = NULL;
    bad[20] ^= 1;
    p = malloc(20);
    check_noted(1, MCHECK_TAIL);
    p = realloc(p, 200);
    check_noted(1, MCHECK_TAIL);
    free(p);
    check_noted(1, MCHECK_TAIL);
    p = calloc(1, 20);
    check_noted(1, MCHECK_TAIL);
    p = realloc(p, 0);
    check_noted(1, MCHECK_TAIL);
    p = aligned_alloc(64, 64);
    check_noted(1, MCHECK_TAIL);
    bad[20] ^= 1;
    free(p);
    CHECK_EQUAL(calls, 0);
}

/* A second call of mcheck changes only the handler, as in libc. */
static void pedantic(void) {
    CHECK_EQUAL(mcheck_pedantic(note_other), 0);
    char *bad = get(20);
    CHECK_EQUAL(mcheck(note), 0);
    check_each_call_tells(bad);
    free(bad);
    CHECK_EQUAL(calls, 0);
}

static char *damaged;
static void cause_more(enum mcheck_status status) {
    note(status);
    free(get(30));
    free(damaged);
    CHECK_EQUAL(mprobe(damaged), MCHECK_FREE);
}

static void handler_is_not_interrupted(void) {
    CHECK_EQUAL(mcheck_pedantic(cause_more), 0);
    damaged = get(20);
    damaged[20] ^= 1;
    CHECK_EQUAL(mprobe(damaged), MCHECK_TAIL);
    check_noted(1, MCHECK_TAIL);
}

static jmp_buf outside;
static void jump_out(enum mcheck_status status) {
    note(status);
    longjmp(outside, 1);
}

static void handler_jumps(void) {
    char *volatile p[10];
    CHECK_EQUAL(mcheck(jump_out), 0);
    for (int i = 0; i < 10; i++) p[i] = get(20);
    for (volatile int i = 0; i < 10; i++) {
        p[i][20] ^= 1;
        if (setjmp(outside) == 0) {
            free(p[i]);
            check_failed("the handler was not called\n");
        }
        check_noted(1, MCHECK_TAIL);
        free(get(20));
    }
}

static void ends_without_handler(int (*begin)(void (*)(enum mcheck_status))) {
    int status;
    pid_t child = start_child();
    if (child == 0) {
        CHECK_EQUAL(mcheck(note), 0);
        CHECK_EQUAL(begin(NULL), 0);
        char *volatile p = get(20);
        p[20] ^= 1;
        mprobe(p);
        _exit(EXIT_SUCCESS);
    }
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void no_handler(void) {
    ends_without_handler(mcheck);
    ends_without_handler(mcheck_pedantic);
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*run)(void);
    } parts[] = {
        {"blocks_from_before", blocks_from_before},
        {"probes", probes},
        {"calls_find_it", calls_find_it},
        {"handlers_are_replaced", handlers_are_replaced},
        {"pedantic", pedantic},
        {"handler_is_not_interrupted", handler_is_not_interrupted},
        {"handler_jumps", handler_jumps},
        {"no_handler", no_handler},
    };
    for (size_t i = 0; argc > 1 && i < sizeof parts / sizeof parts[0]; i++)
        if (strcmp(argv[1], parts[i].name) == 0) return parts[i].run(), EXIT_SUCCESS;
    check_failed("no such part\n");
}
