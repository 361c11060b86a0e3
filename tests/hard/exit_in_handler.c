/*
 * A signal handler can interrupt malloc or free and end the process, by exit or by _exit. exit runs
 * functions that also allocate.
 *     exit_in_handler THREADS
 * Meanwhile THREADS other threads allocate.
 */
#include "background.h"
#include "check.h"
#include "interrupt.h"
#include "processes.h"

enum { CHILDREN = 100, HIGHEST_DELAY = 1000 };

static void end(int signal_number) {
    (void)signal_number;
    exit(EXIT_SUCCESS);
}

static void end_at_once(int signal_number) {
    (void)signal_number;
    _exit(EXIT_SUCCESS);
}

static void allocate_at_exit(void) {
    struct churn churn = {.random = 3};
    churn_steps(&churn, 1000);
    churn_finish(&churn);
}

static void child(uintptr_t number, int threads) {
    CHECK_EQUAL(atexit(allocate_at_exit), 0);
    set_interrupts_blocked(1);
    start_background(threads);
    set_interrupts_blocked(0);
    interrupt_with(number % 4 == 0 ? end_at_once : end);
    static struct churn churn;
    churn.random = number + 1;
    interrupt_every(1 + (int)random_below(&churn.random, HIGHEST_DELAY));
    for (;;) churn_step(&churn);
}

int main(int argc, char **argv) {
    CHECK_EQUAL(argc, 2);
    for (uintptr_t i = 0; i < CHILDREN; i++) {
        pid_t process = start_child();
        if (process == 0) child(i, atoi(argv[1]));
        check_child_succeeds(process);
    }
}
