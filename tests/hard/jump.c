/*
 * A signal handler interrupts malloc or free and leaves it with siglongjmp, thousands of times.
 * At worst the current block is lost: the heap still works and never hands out a block twice.
 *     jump THREADS [allocate]
 * Meanwhile THREADS other threads allocate, so that locks are in use. With "allocate" the handler
 * also allocates before it jumps; it then uses a substitute heap, which must be found again.
 */
#include "background.h"
#include "check.h"
#include "interrupt.h"

#include <setjmp.h>

enum { JUMPS = 2000, INTERVAL = 100 };

static sigjmp_buf before_step;
static volatile sig_atomic_t armed, jumps;
static struct churn churn = {.random = 1};

static bool allocates;

static void allocate_some(void) {
    static void *kept[64];
    void **slot = &kept[jumps % 64], *old = *slot;
    *slot = NULL;
    free(old);
    *slot = malloc(1100 + (size_t)jumps % 240 * 128);
}

static void jump_away(int signal_number) {
    (void)signal_number;
    if (!armed) return;
    if (allocates) allocate_some();
    jumps++;
    armed = 0;
    siglongjmp(before_step, 1);
}

int main(int argc, char **argv) {
    CHECK(argc == 2 || argc == 3);
    allocates = argc == 3;
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
