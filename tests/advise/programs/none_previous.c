/* Nothing: each call frees the block of the call before, once it has allocated its own. */
#include "program.h"

static NOINLINE void renew(size_t size) {
    static char *last;
    char *before = last;
    last = malloc(size);
    use(last, size);
    free(before);
}

int main(void) {
    for (int i = 0; i < 200000; i++) renew(200 + (size_t)i % 7);
    return 0;
}
