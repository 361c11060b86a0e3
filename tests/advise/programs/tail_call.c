/* The same as stack.c, but the function ends with the call of free, so it is not on its stack. */
#include "program.h"

static NOINLINE void planted(void) {
    char *block = malloc(200);
    use(block, 200);
    free(block);
}

int main(void) {
    for (int i = 0; i < 200000; i++) planted();
    return 0;
}
