/* Nothing: a large block stays, but little of it is touched. */
#include <unistd.h>

#include "program.h"

enum { BYTES = 64 << 20 };

static NOINLINE char *allocate(void) { return malloc(BYTES); }

int main(void) {
    char *table = allocate();
    for (size_t i = 0; i < BYTES; i += 4 << 20) table[i] = 1;
    usleep(700000);
    return table[0] != 1;
}
