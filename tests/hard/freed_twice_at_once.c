/*
 * The owner of a block and another thread free it at the same time. The block is not handed out
 * twice, whichever instruction of its free the owner has reached when the other thread's free runs.
 */
#define _GNU_SOURCE
#include "check.h"
#include "threads.h"

#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <ucontext.h>

enum { SIZE = 48, WARM = 100, HELD = 4, STEPS = 100 };

/* ---- the other thread, which carries out requests ---- */

enum request { NOTHING, FREE, ALLOCATE, END };
static _Atomic enum request request;
static void *volatile block;

static void send_request(enum request sent) {
    atomic_store(&request, sent);
    while (atomic_load(&request) != NOTHING) sched_yield();
}

static void warm_up(void) {
    void *blocks[WARM];
    for (int i = 0; i < WARM; i++) blocks[i] = malloc(SIZE);
    for (int i = 0; i < WARM; i += 2) free(blocks[i]);
    for (int i = 1; i < WARM; i += 2) free(blocks[i]);
}

static void *stranger(void *unused) {
    enum request received;
    void *held[HELD + STEPS];
    int count = 0;
    warm_up();
    while (count < HELD) held[count++] = malloc(SIZE); /* leaves room for one block */
    do {
        while ((received = atomic_load(&request)) == NOTHING) sched_yield();
        if (received == FREE) free(block);
        if (received == ALLOCATE) block = held[count++] = malloc(SIZE);
        atomic_store(&request, NOTHING);
    } while (received != END);
    while (count > 0) free(held[--count]);
    return unused;
}

#ifdef __x86_64__

#    define TRAP_FLAG 0x100

/* ---- instruction by instruction ---- */

static volatile int steps_left;
static volatile bool ended;

static void step(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)info;
    greg_t *flags = &((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];
    *flags &= ~TRAP_FLAG;
    if (ended) return;
    if (steps_left-- > 0)
        *flags |= TRAP_FLAG;
    else
        send_request(FREE);
}

/* Frees the block, and has the other thread free it too after that many instructions. Returns false
 * if this thread's free ended before. */
static bool free_until(int steps) {
    void *own = block;
    steps_left = steps;
    ended = false;
    __asm__ volatile("int3");
    free(own);
    ended = true;
    __asm__ volatile("nop");
    return steps_left < 0;
}

static void check_step(int steps) {
    void *freed = block = malloc(SIZE);
    if (!free_until(steps)) send_request(FREE);
    void *mine = malloc(SIZE);
    send_request(ALLOCATE);
    if (mine == block) check_failed("step %d: %p was handed out twice\n", steps, freed);
    free(mine);
}

int main(void) {
    struct sigaction action = {0};
    action.sa_sigaction = step;
    action.sa_flags = SA_SIGINFO;
    CHECK_EQUAL(sigaction(SIGTRAP, &action, NULL), 0);
    mallopt(M_CHECK_ACTION, 0); /* The program continues after an error, without messages. */
    pthread_t thread = start_thread(stranger, NULL);
    warm_up();
    for (int i = 0; i < STEPS; i++) check_step(i);
    send_request(END);
    join_thread(thread);
}

#else

int main(void) { skip("single steps are only implemented for x86-64"); }

#endif
