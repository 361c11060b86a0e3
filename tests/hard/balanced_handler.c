/* A signal handler may allocate a block, free it and return, while it interrupts malloc or free of
 * the program. In check=hard it must never see a slow path's intermediate state. */
#include "check.h"

#include <signal.h>
#include <string.h>
#include <sys/time.h>

enum { BLOCKS = 400, BYTES = 100, STEPS = 3000000 };

static volatile unsigned long handled;

static void allocate_and_free(int signal) {
    char *volatile block = malloc(BYTES);
    (void)signal;
    if (block != NULL) block[0] = 1;
    free(block);
    handled++;
}

static void check_block(const unsigned char *block, unsigned char expected) {
    CHECK_EQUAL(block[0], expected);
    CHECK_EQUAL(block[BYTES - 1], expected);
}

int main(void) {
    static unsigned char *blocks[BLOCKS];
    struct sigaction action = {.sa_handler = allocate_and_free, .sa_flags = SA_RESTART};
    struct itimerval often = {{0, 50}, {0, 50}}, never = {{0, 0}, {0, 0}};
    unsigned random = 1;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int step = 0; step < STEPS; step++) {
        random = random * 1103515245 + 12345;
        unsigned i = (random >> 8) % BLOCKS;
        if (blocks[i] != NULL) {
            check_block(blocks[i], (unsigned char)i);
            free(blocks[i]);
            blocks[i] = NULL;
        } else {
            blocks[i] = malloc(BYTES);
            memset(blocks[i], (int)i, BYTES);
        }
    }
    setitimer(ITIMER_REAL, &never, NULL);
    CHECK(handled > 0);
    return 0;
}
