/*
 * A signal handler interrupts malloc or free and forks. The child returns from the handler and
 * continues the interrupted call, on its own copy of the heap.
 */
#include "check.h"
#include "churn.h"
#include "interrupt.h"
#include "processes.h"

enum { FORKS = 200, INTERVAL = 200 };

static volatile sig_atomic_t forks, in_child;

static void fork_here(int signal_number) {
    (void)signal_number;
    if (in_child || forks == FORKS) return;
    forks++;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        in_child = 1;
    else
        check_child_succeeds(child);
}

int main(void) {
    static struct churn churn = {.random = 1};
    interrupt_with(fork_here);
    interrupt_every(INTERVAL);
    while (forks < FORKS && !in_child) churn_step(&churn);
    interrupt_every(0);
    churn_steps(&churn, 1000);
    churn_finish(&churn);
    _exit(EXIT_SUCCESS);
}
