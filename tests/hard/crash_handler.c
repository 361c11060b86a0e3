/*
 * A signal handler interrupts malloc or free of a threaded program and forks, as crash handlers do
 * to start their reporter. fork must not wait for a lock that the interrupted code holds.
 */
#include "background.h"
#include "check.h"
#include "interrupt.h"
#include "processes.h"

enum { FORKS = 100, INTERVAL = 300 };

static volatile sig_atomic_t forks;

static void fork_here(int signal_number) {
    (void)signal_number;
    if (forks >= FORKS) return; /* Slow forks would otherwise leave the program no time to end. */
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) _exit(EXIT_SUCCESS);
    check_child_succeeds(child);
    forks++;
}

int main(void) {
    static struct churn churn = {.random = 1};
    set_interrupts_blocked(1);
    start_background(1);
    set_interrupts_blocked(0);
    interrupt_with(fork_here);
    interrupt_every(INTERVAL);
    while (forks < FORKS) churn_steps(&churn, 100);
    interrupt_every(0);
    churn_finish(&churn);
    stop_background();
}
