/*
 * A program forks while some of its threads allocate and another one holds locks of stdio. The
 * child has all blocks of its parent, and its heap and its stdio work.
 */
#include "background.h"
#include "check.h"
#include "processes.h"

enum { FORKS = 40, ALLOCATING_THREADS = 2 };

static void write_to_null(void) {
    FILE *stream = fopen("/dev/null", "w");
    CHECK(stream != NULL);
    fprintf(stream, "%d", 4711);
    fflush(NULL);
    fclose(stream);
}

static void *write_until_stopped(void *unused) {
    while (!background.stop) write_to_null();
    return unused;
}

static void *some_churn(void *seed) {
    struct churn churn = {.random = (uintptr_t)seed};
    churn_steps(&churn, 500);
    churn_finish(&churn);
    return NULL;
}

/* Blocks of a thread that does not exist in the child. */
static struct churn inherited = {.random = 4711};

static void *fill_inherited(void *unused) {
    churn_steps(&inherited, 2000);
    return unused;
}

static void child_works(uintptr_t number) {
    churn_finish(&inherited);
    some_churn((void *)(number + 1));
    run_in_thread(some_churn, (void *)(number + 2));
    write_to_null();
    if (number % 10 == 0) {
        pid_t grandchild = start_child();
        if (grandchild == 0) {
            some_churn((void *)(number + 3));
            _exit(EXIT_SUCCESS);
        }
        check_child_succeeds(grandchild);
    }
}

int main(void) {
    run_in_thread(fill_inherited, NULL);
    start_background(ALLOCATING_THREADS);
    pthread_t writer = start_thread(write_until_stopped, NULL);
    struct churn churn = {.random = 1};
    for (uintptr_t i = 0; i < FORKS; i++) {
        churn_steps(&churn, 100);
        pid_t child = start_child();
        if (child == 0) {
            child_works(i);
            _exit(EXIT_SUCCESS);
        }
        check_child_succeeds(child);
    }
    churn_finish(&churn);
    churn_finish(&inherited);
    stop_background();
    join_thread(writer);
}
