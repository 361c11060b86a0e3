/*
 * A signal handler interrupts malloc_trim, allocates and returns. Meanwhile other threads start and
 * end, and so look for heaps without an owner: they never take the interrupted thread's heap.
 */
#include "check.h"
#include "churn.h"
#include "interrupt.h"
#include "threads.h"

#include <malloc.h>

enum { ROUNDS = 200, STEPS = 200, KEPT = 20000 };

static volatile sig_atomic_t ended;
static volatile unsigned long handled;

/* Allocates runs of pages, and slots larger than nearly all others here. A handler that refills the
 * magazine of an interrupted free is not the subject of this test (see docs/concurrency.md). */
static void allocate_and_free(int signal_number) {
    static unsigned turn;
    (void)signal_number;
    char *volatile block = malloc(turn % 2 == 0 ? 40000 : 2100 + turn % 50 * 600);
    if (block != NULL) block[0] = 1;
    free(block);
    turn++;
    handled++;
}

static void *short_life(void *seed) {
    struct churn churn = {.random = (uintptr_t)seed};
    churn_steps(&churn, STEPS);
    churn_finish(&churn);
    return NULL;
}

static void *many_lives(void *unused) {
    for (uintptr_t i = 1; !ended; i++) run_in_thread(short_life, (void *)i);
    return unused;
}

int main(void) {
    static struct churn churn = {.random = 1};
    static void *kept[KEPT];
    set_interrupts_blocked(1);
    pthread_t others = start_thread(many_lives, NULL);
    set_interrupts_blocked(0);
    for (int i = 0; i < KEPT; i++) kept[i] = malloc(200);
    for (int i = 0; i < KEPT; i += 2) free(kept[i]);
    interrupt_with(allocate_and_free);
    interrupt_every(100);
    for (int i = 0; i < ROUNDS; i++) {
        churn_steps(&churn, STEPS);
        malloc_trim(0);
    }
    interrupt_every(0);
    churn_finish(&churn);
    for (int i = 1; i < KEPT; i += 2) free(kept[i]);
    ended = 1;
    join_thread(others);
    CHECK(handled > 0);
}
