/* Each call has a large block of one size for itself. */
#include "program.h"

enum { BYTES = 200000 };

static NOINLINE void planted(void) {
    char *block = malloc(BYTES);
    use(block, 1);
    free(block);
}

int main(void) {
    for (int i = 0; i < 50000; i++) planted();
    return 0;
}
