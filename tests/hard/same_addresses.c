/*
 * Without address randomisation (setarch -R, debuggers) every run has the same addresses; with it,
 * runs have different ones. The program runs itself several times.
 */
#include "check.h"
#include "rerun.h"

#include <sys/personality.h>

enum { RUNS = 2, BLOCKS = 300 };

/* Returns a checksum of the addresses of blocks of all sizes. */
static unsigned long addresses(void) {
    static void *blocks[BLOCKS];
    unsigned long sum = 0;
    for (size_t round = 0; round < 20; round++) {
        for (size_t i = 0; i < BLOCKS; i++) {
            blocks[i] = malloc(1 + i * i % 20000);
            sum = sum * 31 + (unsigned long)blocks[i];
        }
        for (size_t i = round; i < BLOCKS; i++) free(blocks[i]);
    }
    return sum;
}

static bool with_randomisation(void) { return personality(0) >= 0; }
static bool without_randomisation(void) { return personality(ADDR_NO_RANDOMIZE) >= 0; }

static unsigned long run(bool (*prepare)(void)) {
    unsigned long sum = 0;
    run_again(prepare, NULL, &sum, sizeof sum);
    return sum;
}

int main(int argc, char **argv) {
    (void)argv;
    if (argc > 1) {
        unsigned long sum = addresses();
        write_result(&sum, sizeof sum);
        return 0;
    }
    unsigned long first = run(without_randomisation);
    bool others = false;
    for (int i = 0; i < RUNS; i++) {
        setenv("LONGER", &"a longer environment moves the stack"[i], 1);
        CHECK_EQUAL(run(without_randomisation), first);
        others |= run(with_randomisation) != first;
    }
    CHECK(others);
}
