/* Nothing: each call frees the block of the call before. */
#include "program.h"

static NOINLINE char *renew(size_t size) {
    static char *last;
    free(last);
    last = malloc(size);
    use(last, size);
    return last;
}

int main(void) {
    for (int i = 0; i < 200000; i++) renew(200);
    return 0;
}
