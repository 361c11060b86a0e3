/* A large block is touched, and stays. */
#include "program.h"

#include <unistd.h>

enum { BYTES = 64 << 20 };

static NOINLINE char *planted(void) { return malloc(BYTES); }

int main(void) {
    char *block = planted();
    for (size_t i = 0; i < BYTES; i += 4096) block[i] = 1;
    usleep(700000);
    free(block);
    return 0;
}
