/* If a handler jumps out of a capture at any instruction, the thread's cache stays valid for later
 * captures. */
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <ucontext.h>

#include "check.h"

#if defined(__x86_64__)
#    include "two_caches.h"

#    define TRAP_FLAG 0x100
#    define PLACES 70u

static sigjmp_buf outside;
static unsigned steps, last_step;
static bool ended;

static void step(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)info;
    greg_t *flags = &((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];
    if (ended)
        *flags &= ~TRAP_FLAG;
    else if (steps++ == last_step)
        siglongjmp(outside, 1);
    else
        *flags |= TRAP_FLAG;
}

NOINLINE static void capture_traced(void) {
    ended = false;
    __asm__ volatile("int3");
    stack_capture(&warm);
    ended = true;
    __asm__ volatile("nop");
}

NOINLINE static void check(void) {
    compare_captures();
    drop_fresh_cache();
}

/* Calls `inside` at the end of a chain of calls. The bits of `path` choose the call sites. */
NOINLINE static void down(unsigned path, unsigned depth, void (*inside)(void)) {
    volatile char room[48];
    room[0] = 1;
    if (depth == 0)
        inside();
    else if (path & 1)
        down(path >> 1, depth - 1, inside);
    else
        down(path >> 1, depth - 1, inside);
    room[1] = room[0];
}

/* Jumps out of a capture after N instructions. Returns false if the capture ended before. */
static bool jump_at(unsigned n) {
    volatile unsigned path = n * 37;
    down(path, 30, check);
    steps = 0;
    last_step = n;
    volatile bool jumped = true;
    if (sigsetjmp(outside, 1) == 0) {
        down(path ^ 5, 6, capture_traced);
        jumped = false;
    }
    ended = true;
    down(path ^ 5, 6, check);
    down(path, 30, check);
    return jumped;
}

int main(void) {
    struct sigaction action = {.sa_sigaction = step, .sa_flags = SA_SIGINFO};
    CHECK(sigaction(SIGTRAP, &action, NULL) == 0);
    /* Counts the instructions of a capture, then jumps at some of them. */
    CHECK(!jump_at(UINT32_MAX));
    unsigned end = steps;
    CHECK(end > 500);
    for (unsigned i = 0; i < PLACES; i++) jump_at(end / PLACES * i + i % 7);
    return 0;
}

#else
int main(void) { skip("single steps are only implemented for x86-64"); }
#endif
