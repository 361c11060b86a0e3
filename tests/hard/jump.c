/*
 * A signal handler interrupts malloc or free and leaves it with siglongjmp, thousands of times.
 * At worst the block at hand is lost: the heap works on, and no block is handed out twice.
 *     jump THREADS
 * THREADS more threads allocate meanwhile, so that locks are in use.
 */
#include "background.h"
#include "check.h"
#include "interrupt.h"

#include <setjmp.h>

enum { JUMPS = 5000, INTERVAL = 100 };

static sigjmp_buf before_step;
static volatile sig_atomic_t armed, jumps;
static struct churn churn = {.random = 1};

static void jump_away(int signal_number) {
    (void)signal_number;
    if (!armed) return;
    jumps++;
    armed = 0;
    siglongjmp(before_step, 1);
}

int main(int argc, char **argv) {
    CHECK_EQUAL(argc, 2);
    set_interrupts_blocked(1);
    start_background(atoi(argv[1]));
    set_interrupts_blocked(0);
    interrupt_with(jump_away);
    interrupt_every(INTERVAL);
    sigsetjmp(before_step, 1);
    while (jumps < JUMPS) {
        if (jumps % 16 == 0) churn_verify(&churn);
        armed = 1;
        churn_steps(&churn, 1000);
        armed = 0;
    }
    interrupt_every(0);
    churn_steps(&churn, 10000);
    churn_finish(&churn);
    stop_background();
}
